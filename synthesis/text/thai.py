"""Thai compounds, which ICU's dictionary parts into the words they are made of.

ICU knows ห้อง (room) and สมุด (notebook), not ห้องสมุด (library). No word list that ships as a
library and is free to use keeps compounds whole, so the commonest of signs, menus, notices and
everyday prose are told here; extend them freely.
"""

import re
from collections.abc import Iterable
from itertools import pairwise

_PREFIXES = {"ความ", "การ", "ผู้", "นัก", "น่า", "ชาว", "ห้อง", "โรง", "เครื่อง"}  # of nouns
_COMPOUNDS = (
    "ห้องสมุด เพื่อนบ้าน ร้านค้า วันเกิด กลางวัน กลางคืน เที่ยงวัน เที่ยงคืน ดวงอาทิตย์ "
    "ดวงจันทร์ ข้าวเหนียว ค่าปรับ ของหวาน ของฝาก ของเล่น ของใช้ ตลาดนัด ชานชาลา ตอนเช้า "
    "ตอนบ่าย ตอนเย็น เพลิงไหม้ ไฟไหม้ ตัวเอง วันนี้ พรุ่งนี้ เมื่อวาน ช่วงนี้ ตอนนี้ ปีนี้ "
    "พวกเรา พวกเขา นิดเดียว สักพัก สักครู่ ที่สุด ฤดูหนาว ฤดูร้อน ฤดูฝน หน้าร้อน หน้าหนาว "
    "หน้าฝน วันจันทร์ วันอังคาร วันพุธ วันพฤหัสบดี วันศุกร์ วันเสาร์ วันอาทิตย์ วันหยุด วันแม่ "
    "วันพ่อ ปีใหม่ ซองจดหมาย ต้นไม้ ดอกไม้ ใบไม้ ผลไม้ ผักชี น้ำแข็ง น้ำตาล น้ำปลา น้ำมัน "
    "น้ำหอม น้ำใส น้ำท่วม น้ำตก ร้านอาหาร ร้านหนังสือ ร้านกาแฟ ร้านขนม ร้านยา รถไฟ รถไฟฟ้า "
    "รถเมล์ รถยนต์ รถเข็น ป้ายรถ ที่จอดรถ จอดรถ สถานีรถไฟ สนามบิน ท่าเรือ ทางออก ทางเข้า "
    "ทางเดิน ทางม้าลาย ทางหนีไฟ ต่างระดับ ไฟฟ้า ไฟแดง ลูกค้า แม่น้ำ แม่บ้าน พ่อค้า แม่ค้า "
    "คนขับ คนไข้ คนงาน เจ้าหน้าที่ เจ้าของ ตู้เย็น เตาอบ ลดราคา ราคาพิเศษ ส่วนลด ส่วนใหญ่ "
    "ใบเสร็จ บัตรเครดิต บัตรประชาชน เสื้อผ้า กระเป๋าเดินทาง ขนมปัง ขนมกล้วย ชามะนาว ชาเย็น "
    "กาแฟเย็น แกงเลียง แกงเขียวหวาน ปลาทอด ผัดไทย ต้มยำ ข้าวผัด ข้าวต้ม ข้าวกลางวัน ไข่ดาว "
    "ไข่เจียว ไก่ย่าง ไก่ทอด อาหารเช้า อาหารกลางวัน อาหารเย็น อาหารทะเล กระดาษสา ลมพัด แดดออก "
    "ร้องเพลง ชงกาแฟ คิดถึง ต้นปอ บึงน้ำ ข้างบ้าน ด้านหลัง ด้านหน้า ข้างหลัง ข้างหน้า หลายคน "
    "ทันที อย่างไร อะไร เท่าไร สิ้นเดือน โมงเย็น โมงเช้า"
)
_COMPOUND = re.compile("|".join(sorted(_COMPOUNDS.split(), key=len, reverse=True)))
THAI = re.compile("[\u0e00-\u0e7f]")


def inside_compounds(text: str, ends: Iterable[int]) -> set[int]:
    """Of the ``ends`` of words (ascending, the text's length included) those inside compounds."""
    places = [0, *ends]
    known = {*places, *(len(text[:end].rstrip()) for end in places)}
    inside = {
        place
        for match in _COMPOUND.finditer(text)
        if {match.start(), match.end()} <= known
        for place in range(match.start() + 1, match.end())
    }
    for start, end in pairwise(places):
        if text[start:end] in _PREFIXES and THAI.match(text, end):
            inside.add(end)
    return inside & {*places[1:-1]}
