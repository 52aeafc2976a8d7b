"""Turns recorded rounds into ratios and tables, the output of tools/compare.py. Standard library only.

A comparison has the form of comparison.json. Every row of a duty has `rounds_ms`, milliseconds for an image in each
round, or `why` there are none. The rounds of all rows were interleaved. Two rows are compared round by round, so that
other load on the machine affects both.
"""
import statistics

DUTIES = {
    "latency": "One image at a time, all threads. The model alone: decoding and preprocessing are left out for all.",
    "throughput": "Many images, each runner in its fastest way. The model alone, as above; fovea's time is that of the "
                  "program reading prepared tensors and writing the classes, less the time for a few.",
    "rollout": "Logits and the attention rollout of one picture, all threads; PyTorch with hooks on timm's attention, as "
               "published scripts have it.",
    "generic": "Logits and the class-specific map of generic attention (Chefer, Gur, Wolf 2021) for the best class; "
               "PyTorch by hooks and autograd, with gradients of the attention alone.",
    "start": "From exec to the five best classes of one JPEG: start, imports, loading, decoding, preprocessing, model.",
}
CLASSES = ("full accuracy", "bf16", "int8")
LEAST_AGREEMENT = {"full accuracy": 0.995, "bf16": 0.995, "int8": 0.99}  # share of PyTorch's classes in f32


def accuracy_class(precision):
    """bf16x3 has f32's accuracy, so both are in one class."""
    return next((name for name in CLASSES[1:] if precision.split()[0] == name), CLASSES[0])


def percentile(values, share):
    """Interpolates linearly between the neighbours, as numpy does."""
    values = sorted(values)
    place = share * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


def ratio(row, base):
    """How many times as long as `base` the row takes, round by round; None if either did not run."""
    if not row or not base or "rounds_ms" not in row or "rounds_ms" not in base:
        return None
    ratios = [mine / other for mine, other in zip(row["rounds_ms"], base["rounds_ms"])]
    return {"median": statistics.median(ratios), "p10": percentile(ratios, 0.1), "p90": percentile(ratios, 0.9)}


def is_fovea(row):
    return row["runner"] == "fovea"


def fastest(rows):
    return min((row for row in rows if "rounds_ms" in row), key=lambda row: row["median_ms"], default=None)


def strayed(model):
    """Rows of a model's agreement that find PyTorch's class too seldom for the accuracy of their precision."""
    return [row for row in model.get("agreement", []) if "same_top1" in row and
            row["same_top1"] < LEAST_AGREEMENT[accuracy_class(row["precision"])] * row["pictures"]]


def duel(rows, accuracy, left_out=()):
    """fovea's fastest row in one accuracy class and the fastest peer that is at least as accurate: {"fovea", "peer",
    "ratio"}; None if the class has no row.

    @param left_out  names of rows that are less accurate than they claim
    """
    held = [row for row in rows if name(row) not in left_out]
    same = [row for row in held if accuracy_class(row["precision"]) == accuracy]
    as_good = CLASSES[:CLASSES.index(accuracy) + 1]
    ours = fastest([row for row in same if is_fovea(row)])
    theirs = fastest([row for row in held if not is_fovea(row) and accuracy_class(row["precision"]) in as_good])
    return {"fovea": ours, "peer": theirs, "ratio": ratio(theirs, ours)} if fastest(same) else None


def add_statistics(comparison):
    """Adds median_ms and ratio_to_fovea_f32 to each row that ran."""
    for model in comparison["models"]:
        for rows in model["duties"].values():
            base = next((row for row in rows if is_fovea(row) and row["precision"] == "f32"), None)
            for row in rows:
                if "rounds_ms" in row:
                    row["median_ms"] = statistics.median(row["rounds_ms"])
                    row["ratio_to_fovea_f32"] = ratio(row, base)
    return comparison


def number(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def spread(value):
    return f"{value['median']:.2f} ({value['p10']:.2f}–{value['p90']:.2f})" if value else "–"


def table(header, rows):
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [header, ["---"] * len(header), *rows]) + "\n"


def name(row):
    return f"{row['runner']} {row['precision']}"


def difference(row):
    if "max_logit_difference" not in row:
        return "–"
    return f"{row['max_logit_difference']:.1e}, {row['same_top1']} of {row['pictures']}"


def shared_classes(row, rows):
    """How many of PyTorch's five best classes are also in this row's."""
    expected = next((other["classes"] for other in rows if other["runner"] == "PyTorch" and "classes" in other), None)
    return f"{len(set(row['classes']) & set(expected))} of {len(expected)}" if expected else "–"


def cells(row, duty, rows):
    if "rounds_ms" not in row:
        return [name(row), row["why"].replace("|", "\\|"), *["–"] * 4]
    last = f"{row['peak_rss_mb']:.0f} MB, {shared_classes(row, rows)}" if duty == "start" else difference(row)
    return [name(row), row["mode"], number(row["median_ms"]), number(row["best_ms"]), spread(row["ratio_to_fovea_f32"]),
            last]


def duty_section(duty, model):
    last = "max \\|Δlogit\\| to PyTorch f32, same top-1"
    if duty == "start":
        last = "peak memory, classes of PyTorch's top 5"
    unit = "ms" if duty == "start" else "ms an image"
    header = ["", "how", f"{unit}, median", "best", "÷ fovea f32 (p10–p90)", last]
    rows = model["duties"][duty]
    ran = sorted((row for row in rows if "rounds_ms" in row), key=lambda row: row["median_ms"])
    return table(header, [cells(row, duty, rows) for row in [*ran, *(row for row in rows if "rounds_ms" not in row)]])


def timed(row):
    return f"{name(row)} {number(row['median_ms'])}" if row else "–"


def summary(comparison):
    header = ["", "accuracy", "fovea, ms", "fastest peer, ms", "peer ÷ fovea (p10–p90)"]
    rows = []
    for model in comparison["models"]:
        left_out = [name(row) for row in strayed(model)]
        for duty, measured in model["duties"].items():
            for accuracy in CLASSES:
                pair = duel(measured, accuracy, left_out)
                if pair:
                    rows.append([f"{model['name']}, {duty}", accuracy, timed(pair["fovea"]), timed(pair["peer"]),
                                 spread(pair["ratio"])])
    return table(header, rows)


def agreement_section(comparison):
    rows = [[model["name"], name(row), f"{row['same_top1']} of {row['pictures']}",
             f"{row['max_logit_difference']:.1e}"] if "same_top1" in row else
            [model["name"], name(row), row["why"].replace("|", "\\|"), "–"]
            for model in comparison["models"] for row in model.get("agreement", [])]
    if not rows:
        return []
    return ["## Agreement", "", "Pictures of which a runner's best class is PyTorch's in f32.", "",
            table(["", "", "same top-1", "max \\|Δlogit\\|"], rows)]


def unlike(comparison):
    """Sentences about rows that are left out of the summary."""
    return [f"- {model['name']}: {name(row)} finds PyTorch's class on {row['same_top1']} of {row['pictures']} pictures, "
            f"under {LEAST_AGREEMENT[accuracy_class(row['precision'])]:.1%}: it is not compared above."
            for model in comparison["models"] for row in strayed(model)]


def wasted(comparison):
    """Sentences about lower precisions that are not faster than full accuracy here."""
    sentences = []
    for model in comparison["models"]:
        for duty, rows in model["duties"].items():
            for row in rows:
                full = fastest([other for other in rows if other["runner"] == row["runner"]
                                and accuracy_class(other["precision"]) == CLASSES[0]])
                is_less = "rounds_ms" in row and accuracy_class(row["precision"]) != CLASSES[0]
                if full and is_less and row["median_ms"] >= full["median_ms"]:
                    sentences.append(f"- {model['name']}, {duty}: {name(row)} is not faster than {name(full)} here.")
    return sentences


def markdown(comparison):
    machine, settings = comparison["machine"], comparison["settings"]
    versions = ", ".join(f"{library} {version}" for library, version in comparison["versions"].items())
    lines = [
        "# fovea beside its peers", "",
        f"{machine['cpu']} ({machine['isa']}), {settings['threads']} of {machine['cores']} cores; {versions}; "
        f"{comparison['date']}. Load average {machine['load_before']:.1f} before, {machine['load_after']:.1f} after "
        "(its own runs included).", "",
        f"{settings['rounds']} rounds of {settings['seconds']} s for each runner, interleaved, the order turned by one "
        f"each round; {settings['pictures']} pictures. Medians over the rounds. A ratio is taken round by round: the "
        "median of those (10th to 90th percentile). Above 1 the peer takes longer.", "",
        "## fovea's fastest against the fastest peer of the same accuracy or a better one", "", summary(comparison)]
    notes = unlike(comparison) + wasted(comparison)
    if "+cu" in versions and any("start" in model["duties"] for model in comparison["models"]):
        notes.append("- PyTorch came with CUDA, whose libraries its start loads, too.")
    lines += [*notes, ""] if notes else []
    lines += agreement_section(comparison)
    for duty, meaning in DUTIES.items():
        measured = [model for model in comparison["models"] if duty in model["duties"]]
        if not measured:
            continue
        lines += [f"## {duty.capitalize()}", "", meaning, ""]
        for model in measured:
            size = f"{model['parameters'] / 1e6:.1f} M parameters"
            lines += [f"### {model['name']}, {size}", "", duty_section(duty, model)]
    return "\n".join(lines).rstrip() + "\n"
