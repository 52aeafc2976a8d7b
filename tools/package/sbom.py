#!/usr/bin/env python3
"""tools/package/sbom.py NAME VERSION SECONDS OUT FILE=LIST...: the software bill of materials of files, as SPDX 2.3.

SECONDS is the time of the release. Each FILE is a package with its checksums. Its LIST holds what it is related to, as lines of
tabs: relationship (CONTAINS, STATIC_LINK or DEPENDS_ON), package, version, source package, its version, architecture, and the
release of Debian, as resolve_packages() of tools/package/build writes them. The same input gives the same bytes.
"""
import datetime
import hashlib
import json
import pathlib
import re
import sys
import urllib.parse

NONE = "NOASSERTION"


def identifier(*words):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", "-".join(words))


def checksums(path):
    data = path.read_bytes()
    return [{"algorithm": name.upper(), "checksumValue": hashlib.new(name, data).hexdigest()} for name in ("sha1", "sha256")]


def own_package(path, version):
    return {"SPDXID": identifier("File", path.name), "name": path.name, "versionInfo": version, "packageFileName": path.name,
            "downloadLocation": NONE, "filesAnalyzed": False, "licenseConcluded": NONE, "licenseDeclared": "Apache-2.0",
            "copyrightText": NONE, "checksums": checksums(path), "primaryPackagePurpose": "APPLICATION"}


def debian_package(name, version, source, source_version, architecture, release):
    quoted = urllib.parse.quote(version, safe=".-~+").replace("+", "%2B")
    return {"SPDXID": identifier("Debian", release, name, version), "name": name, "versionInfo": version,
            "downloadLocation": NONE, "filesAnalyzed": False, "licenseConcluded": NONE, "licenseDeclared": NONE,
            "copyrightText": NONE, "supplier": "Organization: Debian",
            "sourceInfo": f"built from the source package {source} {source_version} of Debian {release}",
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                              "referenceLocator": f"pkg:deb/debian/{name}@{quoted}?arch={architecture}&distro={release}"}]}


def document(name, version, seconds, files):
    packages, relationships, others = [], [], {}
    for path, lines in files:
        own = own_package(path, version)
        packages.append(own)
        relationships.append(("SPDXRef-DOCUMENT", "DESCRIBES", own["SPDXID"]))
        for line in lines:
            relation, *fields = line.split("\t")
            if len(fields) != 6:
                raise SystemExit(f"{path.name}: its list has a line of {len(fields)} fields, expected 6: {line}")
            other = debian_package(*fields)
            others[other["SPDXID"]] = other
            relationships.append((own["SPDXID"], relation, other["SPDXID"]))
    packages += [others[key] for key in sorted(others)]
    contents = hashlib.sha256(json.dumps([packages, relationships]).encode()).hexdigest()
    created = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"{name}-{version}",
            "documentNamespace": f"https://fovea.invalid/spdx/{name}-{version}-{contents[:32]}",
            "creationInfo": {"created": created, "creators": ["Tool: fovea-sbom.py"]},
            "packages": packages,
            "relationships": [{"spdxElementId": a, "relationshipType": kind, "relatedSpdxElement": b}
                              for a, kind, b in dict.fromkeys(relationships)]}


def main():
    name, version, seconds, out, *pairs = sys.argv[1:]
    files = []
    for pair in pairs:
        path, _, listed = pair.partition("=")
        files.append((pathlib.Path(path), pathlib.Path(listed).read_text().splitlines()))
    text = json.dumps(document(name, version, int(seconds), files), indent=1, sort_keys=True)
    pathlib.Path(out).write_text(text + "\n")


if __name__ == "__main__":
    main()
