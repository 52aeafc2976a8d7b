"""A folder of pictures in, Parquet with a row for each out, by Spark.

    spark-submit spark_folder.py PICTURES OUT
"""

import sys

import fovea.spark
from pyspark.sql import SparkSession

pictures, out = sys.argv[1:]
spark = (SparkSession.builder.appName("fovea").config("spark.sql.execution.arrow.maxRecordsPerBatch", 64)
         .getOrCreate())
files = spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(pictures)
files.mapInArrow(fovea.spark.predict(), fovea.spark.schema(files)).write.parquet(out)
