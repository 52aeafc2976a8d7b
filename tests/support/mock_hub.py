#!/usr/bin/env python3
"""A hub on two loopback ports, which breaks as it is told: one port is the hub, the other the network that it keeps large
files in.

    mock_hub.py FOLDER

FOLDER/models/ORG/NAME holds the files of a model's branch main, FOLDER/models/ORG/NAME@REV those of another revision. The
commit is a hash of all of them, so it changes with them. Files from 1,000 bytes are large. FOLDER/ready gets both ports
once the servers answer; FOLDER/log a line of JSON for each request.

FOLDER/faults is a JSON array, which may change at any time. Each fault has `do`; `at` (hub or cdn) and `path` (a part of
the address) say where, `times` how often. The other keys are arguments:
    status {code, headers}   redirect {to}           linked {etag}     commit {is}     tree {entry}   html
    cut {bytes}              stall {bytes, seconds}  slow {chunk, seconds}             wrong {byte}
    whole (200 for a part)   part (another part than asked for)        endless         short (a shorter file)
    token {is}               gated                   pages {size}
"""

import hashlib
import http.server
import json
import pathlib
import sys
import threading
import time
import urllib.parse

FOLDER = pathlib.Path(sys.argv[1])
LARGE = 1000
PORTS = {}
LOCK = threading.Lock()


class Faults:
    def __init__(self):
        self.text, self.faults = "[]", []

    def of(self, at, path):
        """Those that apply to this request, once more."""
        with LOCK:
            file = FOLDER / "faults"
            text = file.read_text() if file.exists() else "[]"
            if text != self.text:
                self.text, self.faults = text, json.loads(text)
            found = []
            for fault in self.faults:
                if fault.get("at", at) == at and fault.get("path", "") in path and fault.get("times", 1) > 0:
                    if "times" in fault:
                        fault["times"] -= 1
                    found.append(fault)
            return {fault["do"]: fault for fault in found}


FAULTS = Faults()


class Model:
    def __init__(self, folder):
        self.files = {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*"))
                      if path.is_file()}
        self.commit = hashlib.sha1(repr([(path, self.etag(path)) for path in self.files]).encode()).hexdigest()

    def is_large(self, path):
        return len(self.files[path]) >= LARGE

    def etag(self, path):
        data = self.files[path]
        if len(data) >= LARGE:
            return hashlib.sha256(data).hexdigest()
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()

    def entry(self, path):
        data = self.files[path]
        entry = {"type": "file", "path": path, "size": len(data),
                 "oid": hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()}
        if self.is_large(path):
            entry["lfs"] = {"oid": self.etag(path), "size": len(data), "pointerSize": 134}
        return entry


def find_model(repo, revision):
    """None if there is no such repository, a string if it has no such revision."""
    folder = FOLDER / "models" / repo
    if not folder.is_dir():
        return None
    if revision == "main":
        return Model(folder)
    for other in [folder, *folder.parent.glob(folder.name + "@*")]:
        model = Model(other)
        if revision in (model.commit, other.name.partition("@")[2].replace("+", "/")):
            return model
    return "no revision"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    at = ""

    def log_message(self, *_):
        pass

    def note(self, status):
        record = {"at": self.at, "method": self.command, "path": self.path, "status": status,
                  "headers": {name.lower(): value for name, value in self.headers.items()}}
        with LOCK, open(FOLDER / "log", "a") as log:
            log.write(json.dumps(record) + "\n")

    def answer(self, status, body=b"", headers=()):
        self.note(status)
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def answer_json(self, value, headers=()):
        self.answer(200, json.dumps(value).encode(), {"Content-Type": "application/json", **dict(headers)})

    def fail(self, status, code):
        self.answer(status, b"{}", {"X-Error-Code": code, "X-Error-Message": code})

    def send_file(self, data, etag, headers, faults):
        begin, status = 0, 200
        wanted = self.headers.get("Range", "")
        validator = self.headers.get("If-Range", etag)
        if wanted.startswith("bytes=") and validator == etag and "whole" not in faults:
            begin, status = int(wanted[6:].split("-")[0]), 206
            if begin >= len(data):
                return self.answer(416, b"", {"Content-Range": f"bytes */{len(data)}"})
        if "part" in faults and status == 206:
            begin += 1
        if "short" in faults:
            data = data[:-1]
        body = bytearray(data[begin:])
        if "wrong" in faults:
            byte = faults["wrong"]["byte"] - begin
            if 0 <= byte < len(body):
                body[byte] ^= 1
        if status == 206:
            headers = {**headers, "Content-Range": f"bytes {begin}-{len(data) - 1}/{len(data)}"}
        self.note(status)
        self.send_response(status)
        for name, value in {"ETag": etag, "Accept-Ranges": "bytes", **headers}.items():
            self.send_header(name, value)
        if "endless" in faults:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"1000\r\n" + bytes(4096) + b"\r\n")
            except OSError:
                self.close_connection = True
                return None
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return None
        try:
            self.send_body(body, faults)
        except OSError:
            self.close_connection = True
        return None

    def send_body(self, body, faults):
        if "cut" in faults:
            self.wfile.write(body[:faults["cut"]["bytes"]])
            self.close_connection = True
        elif "stall" in faults:
            self.wfile.write(body[:faults["stall"]["bytes"]])
            self.wfile.flush()
            time.sleep(faults["stall"]["seconds"])
            self.close_connection = True
        elif "slow" in faults:
            chunk = faults["slow"]["chunk"]
            for at in range(0, len(body), chunk):
                self.wfile.write(body[at:at + chunk])
                self.wfile.flush()
                time.sleep(faults["slow"]["seconds"])
        else:
            self.wfile.write(body)

    def general_faults(self, faults):
        """Answers if one of them replaces the whole answer."""
        if "status" in faults:
            self.answer(faults["status"]["code"], b"{}", faults["status"].get("headers", {}))
        elif "redirect" in faults:
            self.answer(302, b"", {"Location": faults["redirect"]["to"].format(**PORTS)})
        elif "html" in faults:
            self.answer(200, b"<html>please log in</html>", {"Content-Type": "text/html"})
        else:
            return False
        return True


class Hub(Handler):
    at = "hub"

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        faults = FAULTS.of("hub", self.path)
        if self.general_faults(faults):
            return
        if "gated" in faults:
            return self.fail(403, "GatedRepo")
        if "token" in faults and self.headers.get("Authorization") != "Bearer " + faults["token"]["is"]:
            return self.fail(401, "RepoNotFound")
        url = urllib.parse.urlsplit(self.path)
        parts = [urllib.parse.unquote(part) for part in url.path.strip("/").split("/")]
        if parts[:2] == ["api", "models"]:
            verb, revision = (parts[4], parts[5]) if len(parts) >= 6 else ("revision", "main")
            repo = "/".join(parts[2:4])
        else:
            repo, verb, revision = "/".join(parts[:2]), "resolve", parts[3] if len(parts) > 3 else "main"
        model = find_model(repo, revision)
        if model is None:
            return self.fail(401, "RepoNotFound")
        if isinstance(model, str):
            return self.fail(404, "RevisionNotFound")
        if verb == "revision":
            return self.answer_json({"id": repo, "sha": faults.get("commit", {"is": model.commit})["is"],
                                     "siblings": [{"rfilename": path} for path in model.files]})
        if verb == "tree":
            return self.send_tree(model, url, faults)
        return self.send_model_file(model, "/".join(parts[4:]), faults)

    def send_tree(self, model, url, faults):
        entries = [model.entry(path) for path in model.files]
        if "tree" in faults:
            entries.append(faults["tree"]["entry"])
        size = faults["pages"]["size"] if "pages" in faults else 1000
        begin = int(urllib.parse.parse_qs(url.query).get("cursor", ["0"])[0])
        headers = {}
        if begin + size < len(entries):
            address = "http://{0}:{1}".format(*self.server.server_address) + url.path
            headers["Link"] = f'<{address}?recursive=true&cursor={begin + size}>; rel="next"'
        return self.answer_json(entries[begin:begin + size], headers)

    def send_model_file(self, model, path, faults):
        if path not in model.files:
            return self.fail(404, "EntryNotFound")
        etag = model.etag(path)
        headers = {"X-Repo-Commit": model.commit}
        if not model.is_large(path):
            return self.send_file(model.files[path], f'"{etag}"', headers, faults)
        headers |= {"X-Linked-Etag": '"' + faults.get("linked", {"etag": etag})["etag"] + '"',
                    "X-Linked-Size": str(len(model.files[path])),
                    "Location": PORTS["cdn"] + "/" + etag}
        return self.answer(302, b"", headers)


class Cdn(Handler):
    at = "cdn"

    def do_GET(self):
        faults = FAULTS.of("cdn", self.path)
        if self.general_faults(faults):
            return
        if "Authorization" in self.headers:  # as storage with signed addresses does
            return self.answer(400)
        for folder in sorted((FOLDER / "models").glob("*/*")):
            model = Model(folder)
            for path in model.files:
                if model.is_large(path) and model.etag(path) == self.path.strip("/"):
                    return self.send_file(model.files[path], f'"cdn-{model.etag(path)[:16]}"', {}, faults)
        return self.answer(404)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that was killed is no error."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(*_)
    request_queue_size = 64


def main():
    servers = {"hub": Server(("127.0.0.1", 0), Hub), "cdn": Server(("127.0.0.1", 0), Cdn)}
    for name, server in servers.items():
        PORTS[name] = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
    ready = FOLDER / "ready.tmp"
    ready.write_text(f"{PORTS['hub']}\n{PORTS['cdn']}\n")
    ready.rename(FOLDER / "ready")
    threading.Event().wait()


if __name__ == "__main__":
    main()
