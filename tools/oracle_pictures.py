"""Small pictures of every mode and shape that a folder of photographs holds."""
import numpy
from PIL import Image

SPACE = {
    "picture.mode": ["L", "P", "RGBA", "LA", "1", "CMYK", "I;16"],
    "picture.size": [[31, 90], [90, 31], [7, 7], [1, 1], [33, 33], [200, 40], [32, 32], [48, 48], [224, 224]],
    "picture.file": ["jpg", "webp", "gif", "bmp"],
    "picture.quality": [40, 95], "picture.orientation": [3, 6, 8, 5],
}


def write(draw, folder):
    """Returns the file. Smooth shapes and noise, so that filters and crops all show."""
    keys = draw.group("picture")
    width, height = keys.get("size", [64, 50])
    mode, suffix = keys.get("mode", "RGB"), keys.get("file", "png")
    noise = numpy.random.default_rng(draw.rng("picture").getrandbits(32))
    y, x = numpy.mgrid[0:height, 0:width]
    waves = [128 + 90 * numpy.sin(x / (3 + 2 * c) + y / (7 - 2 * c) + c) for c in range(3)]
    rgb = numpy.stack(waves, axis=-1) + noise.normal(0, 20, (height, width, 3))
    image = Image.fromarray(rgb.clip(0, 255).astype(numpy.uint8))
    if mode == "I;16":
        image = Image.fromarray((rgb[..., 0].clip(0, 255) * 2).astype(numpy.uint16))
    elif mode == "P":
        image = image.quantize(32)
    elif mode in ("RGBA", "LA"):
        image = image.convert(mode)
        image.putalpha(Image.fromarray(waves[0].clip(0, 255).astype(numpy.uint8)))
    elif mode != "RGB":
        image = image.convert(mode)
    stores = {"jpg": ("L", "RGB", "CMYK"), "png": ("1", "L", "P", "LA", "RGB", "RGBA", "I;16"), "gif": ("1", "L", "P"),
              "webp": ("RGB", "RGBA"), "bmp": ("1", "L", "P", "RGB")}
    if mode not in stores[suffix]:
        suffix = "jpg" if mode == "CMYK" else "png"
    path = folder / f"picture.{suffix}"
    options = {"quality": keys.get("quality", 75)} if suffix == "jpg" else {}
    if "orientation" in keys and suffix in ("jpg", "png", "webp"):
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = keys["orientation"]
    image.save(path, **options)
    return path
