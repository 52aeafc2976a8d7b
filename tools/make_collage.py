#!/usr/bin/env python3
"""Puts the cat and the espresso of samples/ into one picture, side by side, for telling two classes apart.

    tools/make_collage.py samples/chelsea.jpg samples/coffee.jpg samples/cat_and_espresso.jpg     (Pillow 13.0.0)

The network sees the largest centred square of a picture. Each photograph is therefore cut to an upright strip around
its subject, so that the two strips together are hardly wider than high and neither subject is cropped away.
"""
import argparse

from PIL import Image

HEIGHT = 300  # px, for both strips
CAT_STRIP = (120, 0, 350, 300)  # left, upper, right, lower in chelsea.jpg: both eyes and the nose
CUP_STRIP = (100, 0, 280, 400)  # in coffee.jpg: half the cup, so that the cat keeps half the weight


def strip(path, box):
    image = Image.open(path).convert("RGB").crop(box)
    width = round(image.width * HEIGHT / image.height)
    return image if image.height == HEIGHT else image.resize((width, HEIGHT), Image.LANCZOS)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cat")
    parser.add_argument("cup")
    parser.add_argument("collage")
    arguments = parser.parse_args()
    cat, cup = strip(arguments.cat, CAT_STRIP), strip(arguments.cup, CUP_STRIP)
    collage = Image.new("RGB", (cat.width + cup.width, HEIGHT))
    collage.paste(cat, (0, 0))
    collage.paste(cup, (cat.width, 0))
    collage.save(arguments.collage, quality=92)


if __name__ == "__main__":
    main()
