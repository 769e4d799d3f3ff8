"""Image and image-text encoders by name: of open_clip or transformers, or a TorchScript file.

Weights come from a folder, a file or the cache of an earlier download; nothing is fetched here.
Images and texts go in one by one, so that no value depends on what else is looked at.
"""

import json
from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from curation.networks import class_posterior, clip_b16, crops, weights
from curation.networks.weights import MissingModelError

Library = Literal["embedded", "efficientnet", "open_clip", "transformers", "torchscript"]
IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
REMEMBERED = 16_384  # texts, whose vectors are kept: at most 64 MB
Image = NDArray[np.uint8]
Vector = NDArray[np.float32]


class Named(BaseModel):
    """Which encoder: of open_clip an architecture and a ``weights`` file, or a folder in its form;
    of transformers a folder, or a name that an earlier download has left in the cache; a
    TorchScript file that takes a square of ``side`` pixels by ImageNet's mean and deviation.
    """

    model_config = ConfigDict(frozen=True)

    library: Library
    model: str = ""
    weights: str = ""
    side: int = 288  # pixels; of TorchScript files alone: others say their own


class ImageEncoder(Protocol):
    """Images to unit vectors."""

    def vector(self, rgb: Image) -> Vector:
        """(H, W, 3) to (D,) of length 1."""


class ImageTextEncoder(ImageEncoder, Protocol):
    """Images and texts to unit vectors of one space; cosines times ``scale`` are its logits."""

    scale: float

    def text_vector(self, text: str) -> Vector:
        """(D,) of length 1; of a text that was asked before, what was said then."""


def check(named: Named, *, texts: bool = False) -> None:
    """Raises ``MissingModelError``: the encoder, of ``texts`` as well, is not here."""
    if texts and named.library in ("embedded", "efficientnet", "torchscript"):
        raise MissingModelError(f"needs an encoder of texts, and {named.library} has none")
    if named.library == "embedded":
        clip_b16.file()
    elif named.library == "efficientnet":
        class_posterior.check()
    elif named.library == "torchscript":
        weights.need("pip install 'inkstone[train]'", "torch")
        _file(named.weights, "a TorchScript file, by the setting 'weights'")
    elif named.library == "open_clip":
        weights.need("pip install 'inkstone[align]'", "open_clip", "torch")
        _check_open_clip(named)
    else:
        weights.need("pip install 'inkstone[train]'", "transformers", "torch")
        _check_transformers(named)


@cache
def image_encoder(named: Named) -> ImageEncoder:
    """The encoder, loaded once per process. Raises ``MissingModelError``, ``OSError``."""
    if named.library == "embedded":
        return clip_b16.ClipImages()
    if named.library == "efficientnet":
        return class_posterior.Classifier()
    if named.library == "torchscript":
        return TorchScript(named)
    return image_text_encoder(named)


@cache
def image_text_encoder(named: Named) -> ImageTextEncoder:
    """The encoder, loaded once per process: all that score by it share its vectors of texts."""
    return OpenClip(named) if named.library == "open_clip" else Transformers(named)


def _file(path: str, what: str) -> None:
    if not Path(path).is_file():
        raise MissingModelError(f"needs {what}: there is none at {path!r}")


def _check_open_clip(named: Named) -> None:
    if (Path(named.model) / "open_clip_config.json").is_file():
        return
    config = weights.packaged(
        "open_clip",
        f"model_configs/{named.model}.json",
        "'model' should be an architecture of open_clip's or a folder with open_clip_config.json",
    )
    if any(name.startswith("hf_") for name in json.loads(config.read_text())["text_cfg"]):
        raise MissingModelError(
            f"needs a folder as 'model' for open_clip's {named.model}, whose tokenizer lies on the "
            "Hub: fetch all of it where there is a network (hf download ... --local-dir FOLDER)"
        )
    _file(
        named.weights,
        f"the weights of open_clip's {named.model}, by the setting 'weights' (fetch "
        "open_clip_model.safetensors of its repository on the Hub where there is a network)",
    )


def _check_transformers(named: Named) -> None:
    weights.check_transformers(named.model)


def _tensor_vector(output: Any) -> Vector:
    return crops.unit(output[0].float().cpu().numpy())


def _remembered(function: Callable[[str], Vector]) -> Callable[[str], Vector]:
    return lru_cache(REMEMBERED)(function)


class OpenClip:
    """An image-text model of open_clip, such as CLIP or SigLIP 2."""

    def __init__(self, named: Named) -> None:
        """Raises whatever its library does of weights that are not its own."""
        import open_clip

        folder = Path(named.model).is_dir()
        name = f"local-dir:{named.model}" if folder else named.model
        made = open_clip.create_model_and_transforms(
            name, pretrained=named.weights or None, pretrained_text=False, weights_only=True
        )
        self._model, self._transform = made[0].eval(), made[2]
        self._tokenizer = open_clip.get_tokenizer(name)
        self.scale = float(self._model.logit_scale.exp())
        self.text_vector = _remembered(self._text_vector)

    def vector(self, rgb: Image) -> Vector:
        """(H, W, 3) to (D,) of length 1."""
        import torch
        from PIL import Image as Pillow

        with torch.inference_mode():
            pixels = self._transform(Pillow.fromarray(rgb))[None]
            return _tensor_vector(self._model.encode_image(pixels))

    def _text_vector(self, text: str) -> Vector:
        import torch

        with torch.inference_mode():
            return _tensor_vector(self._model.encode_text(self._tokenizer([text])))


class Transformers:
    """A model of transformers: CLIP, SigLIP, SigLIP 2, Chinese-CLIP; of others the image alone."""

    def __init__(self, named: Named) -> None:
        """Raises ``OSError`` of files that are missing."""
        from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

        here: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        self._model = AutoModel.from_pretrained(named.model, **here).eval()
        self._processor = AutoImageProcessor.from_pretrained(named.model, **here)
        self._has_texts = hasattr(self._model, "get_text_features")
        if self._has_texts:
            self._tokenizer = AutoTokenizer.from_pretrained(named.model, **here)
        scale = getattr(self._model, "logit_scale", None)
        self.scale = 1.0 if scale is None else float(scale.exp())
        self.text_vector = _remembered(self._text_vector)

    def vector(self, rgb: Image) -> Vector:
        """(H, W, 3) to (D,) of length 1."""
        import torch

        inputs = self._processor(images=rgb, return_tensors="pt", input_data_format="channels_last")
        with torch.inference_mode():
            if self._has_texts:
                return _tensor_vector(_pooled(self._model.get_image_features(**inputs)))
            return _tensor_vector(_pooled(self._model(**inputs)))

    def _text_vector(self, text: str) -> Vector:
        """Padded as the model was trained: SigLIP's texts are always as long as they can be."""
        import torch

        longest = self._model.config.text_config.max_position_embeddings
        padding = "max_length" if "siglip" in self._model.config.model_type else False
        inputs = self._tokenizer(
            [text], padding=padding, truncation=True, max_length=longest, return_tensors="pt"
        )
        with torch.inference_mode():
            return _tensor_vector(_pooled(self._model.get_text_features(**inputs)))


def _pooled(output: Any) -> Any:
    """The vector of the whole: what a model returns, or the part of it that says so."""
    pooled = getattr(output, "pooler_output", None)
    return output if pooled is None else pooled


class TorchScript:
    """A TorchScript file of an image encoder, such as those of SSCD."""

    def __init__(self, named: Named) -> None:
        """Raises ``RuntimeError`` of a file that is none."""
        import torch

        self._side = named.side
        load: Callable[..., Any] = torch.jit.load
        self._model = load(named.weights, map_location="cpu").eval()

    def vector(self, rgb: Image) -> Vector:
        """(H, W, 3) to (D,) of length 1; the image is made a square, not cut, as SSCD's are."""
        import torch
        from PIL import Image as Pillow

        square = Pillow.fromarray(rgb).resize((self._side, self._side), Pillow.Resampling.BILINEAR)
        pixels = crops.normalised(np.asarray(square), IMAGENET_MEAN, IMAGENET_DEVIATION)
        with torch.inference_mode():
            return _tensor_vector(self._model(torch.from_numpy(pixels)))
