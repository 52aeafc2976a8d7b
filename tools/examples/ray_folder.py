"""A folder or bucket of pictures in, Parquet with a row for each out, by Ray Data on every core of the cluster.

    python ray_folder.py PICTURES OUT       # again after a crash: only what is missing

All nodes have to see PICTURES, OUT and the checkpoint beside it under the same names.
"""

import sys

import fovea
import ray
from ray.data.checkpoint import CheckpointConfig

pictures, out = sys.argv[1:]
ray.init()
ray.data.DataContext.get_current().checkpoint_config = CheckpointConfig(
    id_column="path", checkpoint_path=f"{out}.checkpoint", delete_checkpoint_on_success=False)
cores = int(ray.cluster_resources()["CPU"])
(ray.data.read_binary_files(pictures, include_paths=True)
 .map_batches(fovea.Predictor, batch_format="pyarrow", batch_size=64, num_cpus=1, memory=600 << 20,
              compute=ray.data.ActorPoolStrategy(min_size=1, max_size=max(1, cores - 2)))
 .write_parquet(out))
