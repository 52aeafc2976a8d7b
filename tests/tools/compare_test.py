"""tools/compare without its peers: what is made of recorded rounds, and what is said to wrong options.

usage: python3 tests/tools/compare_test.py
"""
import copy
import json
import pathlib
import statistics
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tools"))
import compare_table  # noqa: E402

RECORDED = pathlib.Path(__file__).with_name("comparison.json")


def row(runner, precision, *rounds_ms):
    return {"runner": runner, "precision": precision, "mode": "eager", "rounds_ms": list(rounds_ms),
            "best_ms": min(rounds_ms)}


def run(*arguments):
    return subprocess.run(["sh", ROOT / "tools" / "compare", *map(str, arguments)], capture_output=True, text=True)


def comparison_of(*rows):
    recorded = json.loads(RECORDED.read_text())
    recorded["models"] = [{"name": "vit", "parameters": 1e6, "duties": {"latency": list(rows)}}]
    return compare_table.add_statistics(recorded)


class Ratios(unittest.TestCase):
    def test_are_taken_round_by_round_so_that_a_slow_minute_counts_for_neither(self):
        fovea, peer = row("fovea", "f32", 10, 40, 10), row("PyTorch", "f32", 20, 80, 20)
        self.assertEqual(compare_table.ratio(peer, fovea), {"median": 2, "p10": 2, "p90": 2})

    def test_have_the_percentiles_of_the_standard_library(self):
        mine, other = [3.0, 1.0, 4.0, 1.5, 9.0, 2.6], [1.0] * 6
        expected = statistics.quantiles(mine, n=10, method="inclusive")
        found = compare_table.ratio(row("PyTorch", "f32", *mine), row("fovea", "f32", *other))
        self.assertAlmostEqual(found["p10"], expected[0])
        self.assertAlmostEqual(found["median"], expected[4])
        self.assertAlmostEqual(found["p90"], expected[8])

    def test_hold_the_fastest_of_one_accuracy_against_each_other(self):
        rows = comparison_of(row("fovea", "f32", 12), row("fovea", "bf16x3", 8), row("PyTorch", "f32", 30),
                             row("OpenVINO", "f32", 16), row("OpenVINO", "bf16", 4))["models"][0]["duties"]["latency"]
        pair = compare_table.duel(rows, "full accuracy")
        self.assertEqual([compare_table.name(pair["fovea"]), compare_table.name(pair["peer"]), pair["ratio"]["median"]],
                         ["fovea bf16x3", "OpenVINO f32", 2])
        self.assertIsNone(compare_table.duel(rows, "bf16")["ratio"])
        self.assertIsNone(compare_table.duel(rows, "int8"))


    def test_hold_a_precision_against_peers_that_are_more_accurate_and_faster(self):
        rows = comparison_of(row("fovea", "int8", 3), row("OpenVINO", "int8 (NNCF)", 9), row("OpenVINO", "bf16", 6),
                             row("PyTorch", "f32", 8))["models"][0]["duties"]["latency"]
        self.assertEqual(compare_table.name(compare_table.duel(rows, "int8")["peer"]), "OpenVINO bf16")
        self.assertEqual(compare_table.name(compare_table.duel(rows, "full accuracy")["peer"]), "PyTorch f32")

    def test_leave_out_who_finds_other_classes_than_pytorch(self):
        comparison = comparison_of(row("fovea", "int8", 3), row("OpenVINO", "int8 (NNCF)", 4), row("OpenVINO", "bf16", 6))
        for same_top1, peer in [(198, "OpenVINO int8 (NNCF) 4.00"), (197, "OpenVINO bf16 6.00")]:
            comparison["models"][0]["agreement"] = [
                {"runner": "OpenVINO", "precision": "int8 (NNCF)", "same_top1": same_top1, "pictures": 200,
                 "max_logit_difference": 0.5},
                {"runner": "PyTorch", "precision": "bf16", "why": "the CPU has no bf16 instructions"}]
            text = compare_table.markdown(comparison)
            self.assertIn(f"| vit, latency | int8 | fovea int8 3.00 | {peer} |", text)
            self.assertIn(f"| vit | OpenVINO int8 (NNCF) | {same_top1} of 200 | 5.0e-01 |", text)
            self.assertIn("| vit | PyTorch bf16 | the CPU has no bf16 instructions | – |", text)
            self.assertEqual("on 197 of 200 pictures, under 99.0%: it is not compared above" in text, same_top1 == 197)


class Tables(unittest.TestCase):
    def test_say_why_a_peer_did_not_run(self):
        text = compare_table.markdown(comparison_of(
            row("fovea", "f32", 10), {"runner": "OpenVINO", "precision": "f32", "why": "No module named 'openvino'"}))
        self.assertIn("| OpenVINO f32 | No module named 'openvino' | – | – | – | – |", text)

    def test_say_that_a_lower_precision_is_not_faster(self):
        slow = compare_table.markdown(comparison_of(row("fovea", "f32", 10), row("fovea", "bf16", 11)))
        fast = compare_table.markdown(comparison_of(row("fovea", "f32", 10), row("fovea", "bf16", 9)))
        self.assertIn("- vit, latency: fovea bf16 is not faster than fovea f32 here.", slow)
        self.assertNotIn("is not faster", fast)

    def test_of_a_recorded_run_have_a_row_for_each_runner_and_as_many_cells_as_their_header(self):
        done = run("--table", RECORDED)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        recorded = json.loads(RECORDED.read_text())
        width = None
        for line in done.stdout.splitlines():
            cells = line.replace("\\|", "").count("|")
            self.assertEqual(cells, (width or cells) if cells else 0, line)
            width = cells or None
        for duty, rows in recorded["models"][0]["duties"].items():
            section = done.stdout.split(f"## {duty.capitalize()}\n")[1].split("\n## ")[0]
            for each in rows:
                self.assertIn(f"| {compare_table.name(each)} | {each.get('mode', each.get('why'))} |", section)

    def test_do_not_change_when_the_statistics_are_made_again(self):
        recorded = json.loads(RECORDED.read_text())
        self.assertEqual(compare_table.add_statistics(copy.deepcopy(recorded)), recorded)


class Options(unittest.TestCase):
    def test_are_listed_by_help_before_anything_is_installed(self):
        done = run("--help")
        self.assertEqual(done.returncode, 0)
        for option in ("--models", "--threads", "--seconds", "--quick", "-o DIR"):
            self.assertIn(option, done.stdout)

    def test_that_are_wrong_are_refused_before_anything_is_installed(self):
        for arguments, expected in [([], "-o DIR is missing"),
                                    (["-o", "x", "--threads", "0"], "--threads is 0, expected 1 to"),
                                    (["-o", "x", "--images", "no.jpg"], "no.jpg: no such file"),
                                    (["-o", "x", "--agreement", ROOT / "src"], "no pictures in it, expected")]:
            done = run(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn(expected, done.stderr)


if __name__ == "__main__":
    unittest.main()
