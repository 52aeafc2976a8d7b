"""A folder of pictures in, Parquet with a row for each out, by Ray Data on every core of the cluster.

    python ray_folder.py PICTURES OUT       # again after a crash: only what is missing
"""

import sys

import fovea
import ray

pictures, out = sys.argv[1:]
context = ray.data.DataContext.get_current()
context.checkpoint_config = ray.data.checkpoint.CheckpointConfig(id_column="path", checkpoint_path=f"{out}.checkpoint")
cores = int(ray.cluster_resources()["CPU"]) if ray.is_initialized() or ray.init() else 1
(ray.data.read_binary_files(pictures, include_paths=True)
 .map_batches(fovea.Predictor, batch_format="pyarrow", batch_size=64, num_cpus=1, memory=600 << 20,
              compute=ray.data.ActorPoolStrategy(min_size=1, max_size=max(1, cores - 2)))
 .write_parquet(out))
