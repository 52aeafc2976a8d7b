"""A folder or bucket of pictures in, Parquet with a row for each out, by Spark.

    spark-submit spark_folder.py PICTURES OUT       # again after a crash, or with more pictures: only what is missing

$PYSPARK_PYTHON names a Python that has fovea on all nodes. Spark writes 1,000 pictures at a time and notes them in OUT.checkpoint and in OUT/_spark_metadata. Read OUT with Spark:
other readers would also see files that a crash has left half done. Its binaryFile passes over files of 0 bytes: these have
no row.
"""

import sys

import fovea.spark
from pyspark.sql import SparkSession

pictures, out = sys.argv[1:]
spark = (SparkSession.builder.appName("fovea").config("spark.sql.execution.arrow.maxRecordsPerBatch", 64)
         .getOrCreate())
columns = "path string, modificationTime timestamp, length long, content binary"
files = (spark.readStream.format("binaryFile").schema(columns).option("recursiveFileLookup", True)
         .option("maxFilesPerTrigger", 1000).load(pictures))
(files.mapInArrow(fovea.spark.predict(), fovea.spark.schema(files))
 .writeStream.trigger(availableNow=True).option("checkpointLocation", f"{out}.checkpoint")
 .start(out, format="parquet").awaitTermination())
