#!/usr/bin/env python3
"""Writes packages/tasks/fixtures/*.parquet as data sets on the hub are: snappy, class names in the schema's metadata.

  python3 -m pip install --target DIR pyarrow
  PYTHONPATH=DIR python3 tools/verify/make_parquet.py
"""
import json
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "packages/tasks/fixtures"
FOLDER.mkdir(exist_ok=True)
ROWS = range(40)


def write(name, columns, features):
    schema = pa.table(columns).schema.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    pq.write_table(pa.table(columns, schema=schema), FOLDER / f"{name}.parquet", compression="snappy")


TEXT = {"dtype": "string", "_type": "Value"}
write(
    "pairs",
    {
        "sentence1": [f"the first text, number {row}" for row in ROWS],
        "sentence2": [f"größer als {row}" for row in ROWS],
        "label": pa.array([row % 2 for row in ROWS], pa.int64()),
        "idx": pa.array(list(ROWS), pa.int32()),
    },
    {"sentence1": TEXT, "sentence2": TEXT, "label": {"names": ["not_equivalent", "equivalent"], "_type": "ClassLabel"}},
)
write(
    "similarity",
    {
        "sentence1": [f"one {row}" for row in ROWS],
        "sentence2": [f"other {row}" for row in ROWS],
        "label": pa.array([row / 8 for row in ROWS], pa.float32()),
    },
    {"sentence1": TEXT, "sentence2": TEXT, "label": {"dtype": "float32", "_type": "Value"}},
)
write(
    "chat",
    {"messages": [[{"role": "user", "content": f"question {row}"}, {"role": "assistant", "content": f"answer {row}"}] for row in ROWS]},
    {"messages": [{"role": TEXT, "content": TEXT}]},
)
