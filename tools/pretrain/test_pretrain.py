"""Checks of the recipe against hand-worked cases and torch's own functions; needs no packages and no training."""

import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

import bpe
from clean import html_prose, unwrap
from mix import chunks_of, without_repeats
from model import SHAPES, Gpt2, _GeluNew, _MeanNll
from tensor_file import read_f16, write_f16
from train import Batches, rate_share


class BytePairEncoding(unittest.TestCase):
    def test_merges_the_most_frequent_pair_first(self):
        # Sennrich et al. 2016, with counts: es 9, then es+t 9, then l+o 7 (ties by order: "lo" of low 5, lower 2).
        text = " low" * 5 + " lower" * 2 + " newest" * 6 + " widest" * 3
        merges = bpe.train([text], 257 + 3)
        self.assertEqual(merges, [("e", "s"), ("es", "t"), ("l", "o")])

    def test_encodes_by_rank_and_gives_the_text_back(self):
        tokenizer = bpe.Tokenizer([("e", "s"), ("es", "t"), ("Ġ", "w")])
        self.assertEqual([tokenizer.symbols[i] for i in tokenizer.encode(" west")], ["Ġw", "est"])
        for text in ("naïve 世界 🌍", "a\n\n b\t ", "it's 12½ — ok\u00a0?", "\x00\x7f"):
            self.assertEqual(tokenizer.decode(tokenizer.encode(text)), text)

    def test_cuts_text_as_gpt2_does(self):
        pieces = bpe.gpt2_pattern().findall("I'll see  you at 10:30,\n\nété²")
        self.assertEqual(pieces, ["I", "'ll", " see", " ", " you", " at", " 10", ":", "30", ",", "\n", "\n", "été", "²"])


class Text(unittest.TestCase):
    def test_keeps_prose_and_drops_code_and_menus(self):
        sentence = "The statement is executed once for every row of the table, and its result is a value of the row."
        page = f"<html><head><title>x</title></head><nav>Home</nav><p>{sentence}</p><pre>a = {{1}}</pre><li>Next</li></html>"
        self.assertEqual(html_prose(page), sentence)

    def test_joins_wrapped_lines(self):
        self.assertEqual(unwrap("one\n two\n\n\u201cthree\u201d"), 'one two\n"three"')

    def test_keeps_a_long_paragraph_once_and_every_chunk_character(self):
        long = "x" * 61
        seen: set[str] = set()
        self.assertEqual(without_repeats(f"{long}\nshort", seen), f"{long}\nshort")
        self.assertEqual(without_repeats(f"{long}\nshort", seen), "short")
        document = "\n".join("y" * 999 for _ in range(9))
        self.assertEqual("\n".join(chunks_of(document)), document)


class Model(unittest.TestCase):
    def test_functions_equal_torch_and_their_gradients_hold(self):
        torch.manual_seed(0)
        x = torch.randn(7, 11, dtype=torch.float64, requires_grad=True)
        targets = torch.randint(0, 11, (7,))
        torch.testing.assert_close(_GeluNew.apply(x), functional.gelu(x, approximate="tanh"))
        self.assertTrue(torch.autograd.gradcheck(_GeluNew.apply, (x,)))
        torch.testing.assert_close(_MeanNll.apply(x, targets), functional.cross_entropy(x, targets))
        (expected,) = torch.autograd.grad(functional.cross_entropy(x, targets) * 3, x)
        (actual,) = torch.autograd.grad(_MeanNll.apply(x, targets) * 3, x)
        torch.testing.assert_close(actual, expected)

    def test_a_token_does_not_see_those_after_it(self):
        torch.manual_seed(0)
        model = Gpt2(SHAPES["T"])
        ids = torch.randint(0, 2048, (1, 20))
        changed = ids.clone()
        changed[0, 12] += 1
        difference = (model(ids) - model(changed)).abs().amax(-1)[0]
        self.assertEqual(float(difference[:12].max()), 0)
        self.assertGreater(float(difference[12:].min()), 0)

    def test_tensor_file_round_trip(self):
        tensors = {"b": torch.tensor([[1.0, -2.5], [0.125, 65504.0]]), "a": torch.tensor([3.0])}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "x.safetensors"
            write_f16(path, tensors, {"format": "pt"})
            read, metadata = read_f16(path)
        self.assertEqual(metadata, {"format": "pt"})
        for name, tensor in tensors.items():
            torch.testing.assert_close(read[name], tensor)


class Training(unittest.TestCase):
    def test_an_epoch_deals_each_window_at_most_once_and_a_resumed_run_sees_the_same(self):
        stream = np.arange(40000, dtype="<u2")
        batches = Batches(stream, SHAPES["T"])
        epoch = np.concatenate([batches.at(step) for step in range(batches.per_epoch)])
        self.assertEqual(len(set(epoch[:, 0].tolist())), len(epoch))
        self.assertTrue((np.diff(epoch, axis=1) == 1).all())
        later = batches.per_epoch + 2
        np.testing.assert_array_equal(Batches(stream, SHAPES["T"]).at(later), batches.at(later))

    def test_rate_warms_up_and_decays(self):
        self.assertAlmostEqual(rate_share(0, 0), 1 / 150)
        self.assertAlmostEqual(rate_share(1000, 0), 1)
        self.assertAlmostEqual(rate_share(1000, 0.5), 0.03 + 0.97 / 2)
        self.assertAlmostEqual(rate_share(1000, 1), 0.03)


if __name__ == "__main__":
    unittest.main()
