"""One program per renderer: it draws as many pictures as it is asked for and says what it took."""
