#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""maa.py CERTIFICATE KEY SIGNER-CERTIFICATE SIGNER-KEY [FAULT]: an attestation provider, over TLS. It looks at what is
sent, verifies nothing, and signs by the openssl program. Prints its URL, and a line for each request. FAULT is the
claim that is wrong."""

import base64
import hashlib
import http.server
import json
import ssl
import subprocess
import sys
import time

certificate, key, signer, signer_key = sys.argv[1:5]
fault = sys.argv[5] if len(sys.argv) > 5 else ""


def encoded(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def decoded(text):
    assert "=" not in text
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def openssl(*arguments, octets):
    return subprocess.run(["openssl", *arguments], input=octets, stdout=subprocess.PIPE, check=True).stdout


def token(body):
    sent = json.loads(body)
    inner = json.loads(decoded(sent["report"]))
    report = decoded(inner["SnpReport"])
    chain = decoded(inner["VcekCertChain"])
    assert chain.count(b"BEGIN CERTIFICATE") == 3
    assert sent["runtimeData"]["dataType"] == "JSON"
    runtime = decoded(sent["runtimeData"]["data"])
    assert report[80:112] == hashlib.sha256(runtime).digest()
    now = int(time.time())
    claims = {"iss": url, "nbf": now, "exp": now + 3600, "x-ms-attestation-type": "sevsnpvm",
              "x-ms-compliance-status": "azure-compliant-cvm", "x-ms-sevsnpvm-reportdata": report[80:144].hex(),
              "x-ms-sevsnpvm-launchmeasurement": report[144:192].hex(),
              "x-ms-sevsnpvm-is-debuggable": bool(report[10] & 8),
              "x-ms-sevsnpvm-vmpl": int.from_bytes(report[48:52], "little"),
              "x-ms-runtime": json.loads(runtime)}
    wrong = {"iss": "https://other.example", "nbf": now + 4000, "exp": now - 4000, "x-ms-attestation-type": "sgx",
             "x-ms-compliance-status": "azure-signed-uvm", "x-ms-sevsnpvm-vmpl": 4,
             "x-ms-sevsnpvm-is-debuggable": not claims["x-ms-sevsnpvm-is-debuggable"],
             "x-ms-sevsnpvm-reportdata": "00" * 64, "x-ms-sevsnpvm-launchmeasurement": "ee" * 48,
             "x-ms-runtime": dict(claims["x-ms-runtime"], **{"user-data": "00" * 64})}
    if fault in wrong:
        claims[fault] = wrong[fault]
    text = encoded(json.dumps({"alg": "RS256", "kid": "k1", "typ": "JWT"}).encode()) + "." + encoded(json.dumps(claims).encode())
    signature = openssl("dgst", "-sha256", "-sign", signer_key, octets=text.encode())
    return {"token": text + "." + encoded(signature)}


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, status, document):
        octets = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)

    def do_POST(self):
        print("POST", self.path, flush=True)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path != "/attest/SevSnpVm?api-version=2022-08-01":
            return self.answer(404, {})
        return self.answer(200, token(body))

    def do_GET(self):
        print("GET", self.path, flush=True)
        der = openssl("x509", "-in", signer, "-outform", "der", octets=b"")
        self.answer(200, {"keys": [{"kty": "RSA", "kid": "k1",
                                    "x5c": [base64.b64encode(der).decode()]}]})

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
url = f"https://127.0.0.1:{server.server_address[1]}"
print(url, flush=True)
server.serve_forever()
