"""Reads a Prometheus text from standard input with the parser of prometheus_client and prints it as JSON:
[{"name", "type", "help", "samples": [[name, labels, value], …]}, …]"""
import json
import sys

from prometheus_client.parser import text_string_to_metric_families

families = list(text_string_to_metric_families(sys.stdin.read()))
json.dump([{"name": f.name, "type": f.type, "help": f.documentation, "samples": [[s.name, s.labels, s.value] for s in f.samples]} for f in families],
          sys.stdout)
