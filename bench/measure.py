#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures and prints the table of docs/performance.md; called by run.sh.

measure.py BUILD [--write] | measure.py --fuzz-targets
"""
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PKI = ROOT + "/tests/pki/milan"
FUZZ_TARGETS = ("attest certificate encoding evidence hcl_claims hcl_report json policy recording snp_report "
                "stream_response tpm2_command tpm2_response").split()
STREAM_LINES = 3000
STATIC = "/bench/static/tools/snpnv"  # in the folder of builds
NETTLE = "/bench/static-nettle/tools/snpnv"
MUSL = "/bench/smallest/snpnv-collector"


class Series:
    """Values of one thing, in microseconds."""

    def __init__(self, values):
        self.least = min(values)
        self.median = statistics.median(values)


def run(*words, **options):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, **options).stdout


def ready(words):
    """Starts the emulated paravisor and waits for its line; the process and its TCTI."""
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    if not line.startswith("ready tcti="):
        sys.exit("snpnv-paravisor did not get ready")
    return process, line.split()[1][len("tcti="):]


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait()


def google_benchmark(program, folder, clock, only=".", repetitions=15):
    """Series by name: the repetitions of all benchmarks are interleaved at random."""
    text = run(program, "--benchmark_format=json", f"--benchmark_repetitions={repetitions}", "--benchmark_min_time=0.02",
               "--benchmark_enable_random_interleaving=true", "--benchmark_filter=" + only,
               env=dict(os.environ, SNPNV_BENCH=folder), stderr=subprocess.DEVNULL)
    values, counters = {}, {}
    for row in json.loads(text)["benchmarks"]:
        if row["run_type"] != "iteration":
            continue
        name = row["run_name"].removesuffix("/real_time")
        values.setdefault(name, []).append(row[clock])
        if "allocations" in row:
            counters[name] = max(counters.get(name, 0), row["allocations"])
    return {name: Series(v) for name, v in values.items()}, counters


def processes(build, folder, rounds, commands):
    """Series and peak RSS by name, of commands that run in turn."""
    path = folder + "/commands"
    with open(path, "w") as file:
        for name, words in commands.items():
            file.write("\t".join([name, *words]) + "\n")
    out, rss = {}, {}
    for line in run(build + "/bench/bench_processes", str(rounds), path).splitlines():
        name, least, median, most = line.split("\t")
        out[name] = Series([float(least)])
        out[name].median = float(median)
        rss[name] = int(most)
    return out, rss


def free_ports():
    """A port whose successor is free too: swtpm's data and control."""
    while True:
        with socket.socket() as one, socket.socket() as two:
            one.bind(("127.0.0.1", 0))
            try:
                two.bind(("127.0.0.1", one.getsockname()[1] + 1))
            except OSError:
                continue
            return one.getsockname()[1]


class CountingProxy:
    """Passes a TPM's data and control connections on, and counts commands on the data one."""

    def __init__(self, port):
        self.port, self.behind, self.commands = free_ports(), port, 0
        for offset in (0, 1):
            listener = socket.create_server(("127.0.0.1", self.port + offset))
            threading.Thread(target=self.serve, args=(listener, offset), daemon=True).start()

    def serve(self, listener, offset):
        while True:
            client, _ = listener.accept()
            server = socket.create_connection(("127.0.0.1", self.behind + offset))
            threading.Thread(target=self.copy, args=(client, server, offset == 0), daemon=True).start()
            threading.Thread(target=self.copy, args=(server, client, False), daemon=True).start()

    def copy(self, source, sink, count):
        pending = b""
        try:
            while octets := source.recv(65536):
                if count:
                    pending += octets
                    while len(pending) >= 6 and len(pending) >= (size := int.from_bytes(pending[2:6], "big")):
                        self.commands += 1
                        pending = pending[size:]
                sink.sendall(octets)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def flow_commands(build, folder, port):
    tcti = f"swtpm:host=127.0.0.1,port={port}"
    tools = ["tpm2_nvwrite", "-Q", "-T", tcti, "-C", "o", "-i", folder + "/user", "0x01400002", "&&",
             "tpm2_nvread", "-T", tcti, "-C", "o", "-o", folder + "/read", "0x01400001"]
    report = ["-T", tcti, "report", folder + "/report", folder + "/user"]
    return {
        "static": [build + STATIC, *report],
        "musl": [build + MUSL, *report],
        "dynamic": [build + "/tools/snpnv", *report],
        "by hand": [build + "/bench/bench_hand_flow", str(port), folder + "/user", folder + "/by-hand"],
        "ESAPI": [build + "/bench/bench_esapi_flow", tcti, folder + "/user", folder + "/by-esapi"],
        "tpm2-tools": tools,
    }


def count_commands(words, proxy):
    before = proxy.commands
    for process in " ".join(words).split(" && "):
        run(*process.split())
    return proxy.commands - before


def make_inputs(build, folder):
    """Inputs for everything: what a paravisor with one 2048-octet index gives."""
    snpnv, paravisor = build + "/tools/snpnv", build + "/tools/snpnv-paravisor"
    os.mkdir(folder + "/certs")
    os.mkdir(folder + "/state")
    for name in ("ark", "ask", "vcek"):
        shutil.copy(f"{PKI}/{name}.pem", folder + "/certs")
    process, tcti = ready([paravisor, "--state", folder + "/state", "--listen", "127.0.0.1:0", "--nv-size", "2048"])
    try:
        run(snpnv, "-T", tcti, "report", folder + "/report", folder + "/user", "--random", "--envelope",
            folder + "/envelope")
        run(snpnv, "-T", f"record:{folder}/recording={tcti}", "report", folder + "/report", folder + "/user")
        run(snpnv, "-T", tcti, "evidence", folder + "/evidence", "--nonce", "00112233", "--vcek", PKI + "/vcek.pem")
    finally:
        stop(process)
    with open(folder + "/evidence") as file:
        line = json.dumps(json.load(file), separators=(",", ":")) + "\n"
    with open(folder + "/stream", "w") as file:
        file.write(line * STREAM_LINES)


def verifiers(build, folder, out):
    """Verification as processes, of one report and of a stream."""
    snpnv = build + "/tools/snpnv"
    root = ["--root", PKI + "/ark.pem"]
    attestation = ["verify", "attestation", folder + "/certs", folder + "/report", *root]
    static = build + STATIC
    commands = {
        "snpnv": [static, *attestation],
        "snpnv, Mbed TLS 3.6": [build + "/bench/static-3.6/tools/snpnv", *attestation],
        "snpnv, Nettle": [build + NETTLE, *attestation],
        "libcrypto": [build + "/bench/bench_openssl_verify", folder + "/certs", folder + "/report"],
        "snpnv, dynamic": [snpnv, *attestation],
        "replay": [static, "-T", f"replay:{folder}/recording", "report", folder + "/replayed", folder + "/user"],
        "start-up": [static, "--version"],
        "start-up, musl": [build + MUSL, "--version"],
        "start-up, dynamic": [snpnv, "--version"],
    }
    out["verify"], out["rss"] = processes(build, folder, 100, commands)
    # What two processors can do for one that only computes: the same stream twice, side by side.
    stream = [snpnv, "verify", "evidence", "--stream", "--certs", folder + "/certs", *root, "<", folder + "/stream"]
    pair = " ".join(stream) + " & " + " ".join(stream) + " & wait"
    out["stream"], _ = processes(build, folder, 5, {"1": stream, "2": [*stream, "--jobs", "2"], "pair": ["sh", "-c", pair],
                                                    "Nettle": [build + NETTLE, *stream[1:]]})


def flow_on_swtpm(build, folder, out):
    """The flow as processes, on a plain swtpm whose report index holds an envelope."""
    port = free_ports()
    os.mkdir(folder + "/swtpm")
    process = subprocess.Popen(
        ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={folder}/swtpm", "--server",
         f"type=tcp,port={port}", "--ctrl", f"type=tcp,port={port + 1}", "--flags",
         "not-need-init,startup-clear"])
    try:
        while socket.socket().connect_ex(("127.0.0.1", port + 1)) != 0:
            if process.poll() is not None:
                sys.exit("swtpm did not start")
        with open(folder + "/envelope", "rb") as file:
            envelope = file.read().ljust(2048, b"\0")
        with open(folder + "/content", "wb") as file:
            file.write(envelope)
        tcti = f"swtpm:host=127.0.0.1,port={port}"
        attributes = "ownerread|ownerwrite|authread|authwrite"
        for index, size, content in (("0x01400001", "2048", "content"), ("0x01400002", "64", "user")):
            run("tpm2_nvdefine", "-Q", "-T", tcti, "-C", "o", "-s", size, "-a", attributes, index)
            run("tpm2_nvwrite", "-Q", "-T", tcti, "-C", "o", "-i", f"{folder}/{content}", index)
        flow = flow_commands(build, folder, port)
        out["flow on swtpm"], _ = processes(build, folder, 60, flow)
        proxy = CountingProxy(port)
        out["commands"] = {name: count_commands(words, proxy)
                           for name, words in flow_commands(build, folder, proxy.port).items()}
    finally:
        stop(process)


def flow_on_paravisor(build, folder, out):
    """The same on the paravisor."""
    process, tcti = ready([build + "/tools/snpnv-paravisor", "--state", folder + "/state", "--listen", "127.0.0.1:0",
                           "--nv-size", "2048", "--refresh", "on-write", "--interval-ms", "0"])
    try:
        port = int(tcti.rsplit("=", 1)[1])
        out["flow on paravisor"], _ = processes(build, folder, 30, flow_commands(build, folder, port))
    finally:
        stop(process)


def fuzz_speeds(build, folder):
    """Executions a second of CPU time, so that other load on the machine counts less."""
    out = {}
    for target in FUZZ_TARGETS:
        found = f"{folder}/fuzz-{target}"  # new inputs go to the first folder, which is not that of the seeds
        os.mkdir(found)
        child = subprocess.Popen([f"{build}/bench/fuzz/{target}", "-seed=1", "-max_total_time=2", "-max_len=4096",
                                  found, f"{ROOT}/fuzz/corpus/{target}"],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=folder)
        report = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = status
        done = re.search(r"Done (\d+) runs", report)
        if status != 0 or not done:
            sys.exit(f"fuzz target {target} failed")
        out[target] = int(done[1]) / (usage.ru_utime + usage.ru_stime)
    return out


def sizes(build, folder):
    out = {}
    for name, path in (("snpnv", build + "/tools/snpnv"), ("snpnv, static", build + STATIC),
                       ("snpnv, static, Nettle", build + NETTLE), ("libcrypto reference, static", build + "/bench/bench_openssl_verify")):
        run("strip", "-o", folder + "/stripped", path)
        out[name] = os.path.getsize(folder + "/stripped")
    return out


def measure(build, folder):
    make_inputs(build, folder)
    out = {}
    out["in process"], out["allocations"] = google_benchmark(build + "/bench/bench_verify", folder, "cpu_time")
    out["flow in process"], _ = google_benchmark(build + "/bench/bench_flow", folder, "real_time", "swtpm", 61)
    out["flow alone"], _ = google_benchmark(build + "/bench/bench_flow", folder, "cpu_time", "instant")
    verifiers(build, folder, out)
    flow_on_swtpm(build, folder, out)
    flow_on_paravisor(build, folder, out)
    out["fuzz"] = fuzz_speeds(build, folder)
    out["sizes"] = sizes(build, folder)
    return out


def comparisons(data):
    """(what, ours, beside what, theirs, most that the ratio should be)"""
    p, f = data["in process"], data["flow in process"]
    swtpm, paravisor, verify = data["flow on swtpm"], data["flow on paravisor"], data["verify"]
    rows = [
        ("flow, in process", f["flow_swtpm<MbedCrypto>"], "by hand", f["flow_swtpm_by_hand"], 1.1),
        ("flow, in process, digest by OpenSSL", f["flow_swtpm<OpenSslCrypto>"], "by hand", f["flow_swtpm_by_hand"], 1.1),
        ("flow, static process", swtpm["static"], "by hand", swtpm["by hand"], None),
        ("flow, static process", swtpm["static"], "ESAPI process", swtpm["ESAPI"], 0.25),
        ("flow, static process", swtpm["static"], "tpm2-tools", swtpm["tpm2-tools"], 0.05),
        ("flow, static process with musl", swtpm["musl"], "by hand", swtpm["by hand"], None),
        ("flow, static process with musl", swtpm["musl"], "ESAPI process", swtpm["ESAPI"], 0.25),
        ("flow, static process with musl", swtpm["musl"], "tpm2-tools", swtpm["tpm2-tools"], 0.05),
        ("flow, dynamic process", swtpm["dynamic"], "ESAPI process", swtpm["ESAPI"], None),
        ("flow, dynamic process", swtpm["dynamic"], "tpm2-tools", swtpm["tpm2-tools"], None),
        ("flow, static process, emulated paravisor", paravisor["static"], "by hand", paravisor["by hand"], None),
        ("flow, static process, emulated paravisor", paravisor["static"], "ESAPI process", paravisor["ESAPI"], None),
        ("flow, static process, emulated paravisor", paravisor["static"], "tpm2-tools", paravisor["tpm2-tools"], None),
        ("verify attestation, static process", verify["snpnv"], "libcrypto, static", verify["libcrypto"], 1.0),
        ("verify attestation, static process, Mbed TLS 3.6", verify["snpnv, Mbed TLS 3.6"], "libcrypto, static",
         verify["libcrypto"], 1.0),
        ("verify attestation, static process, Nettle", verify["snpnv, Nettle"], "libcrypto, static", verify["libcrypto"],
         0.45),
        ("chain and report, Nettle", p["full<NettleCrypto>"], "libcrypto", p["full_by_libcrypto"], 0.5),
        ("chain and report, Nettle, cold", p["full_cold<NettleCrypto>"], "libcrypto", p["full_by_libcrypto"], None),
        ("report under a known chain, Nettle", p["report<NettleCrypto>"], "libcrypto's bare ECDSA",
         p["step_ecdsa_by_libcrypto"], 0.58),
        ("report under a known chain, Nettle", p["report<NettleCrypto>"], "Nettle's bare ECDSA",
         p["step_ecdsa_by_nettle"], 1.03),
        ("evidence under a known chain, Nettle", p["evidence<NettleCrypto>"], "libcrypto's two signatures",
         p["evidence_by_libcrypto"], None),
        ("chain and report, OpenSSL", p["full<OpenSslCrypto>"], "libcrypto", p["full_by_libcrypto"], 1.0),
        ("chain and report, OpenSSL, cold", p["full_cold<OpenSslCrypto>"], "libcrypto", p["full_by_libcrypto"], None),
        ("report under a known chain, OpenSSL", p["report<OpenSslCrypto>"], "libcrypto's bare ECDSA",
         p["step_ecdsa_by_libcrypto"], 1.02),
        ("evidence under a known chain, OpenSSL", p["evidence<OpenSslCrypto>"], "its two signatures",
         p["evidence_by_libcrypto"], None),
        ("chain and report, Mbed TLS", p["full<MbedCrypto>"], "Mbed TLS's own calls", p["full_by_mbedtls"], 1.05),
        ("report under a known chain, Mbed TLS", p["report<MbedCrypto>"], "Mbed TLS's bare ECDSA",
         p["step_ecdsa_by_mbedtls"], 1.05),
        ("chain and report, Mbed TLS", p["full<MbedCrypto>"], "libcrypto", p["full_by_libcrypto"], None),
        ("certificate, own parser", p["parse_certificate_snpnv"], "libcrypto's d2i_X509",
         p["parse_certificate_by_libcrypto"], None),
    ]
    return rows


ALONE = (
    ("envelope, report and claims parsed", "parse_envelope"),
    ("a certificate parsed, Mbed TLS", "parse_certificate<MbedCrypto>"),
    ("a certificate parsed, Nettle", "parse_certificate<NettleCrypto>"),
    ("a certificate parsed, OpenSSL", "parse_certificate<OpenSslCrypto>"),
    ("SHA-384 of the report, Mbed TLS", "step_digest<MbedCrypto>"),
    ("SHA-384 of the report, Nettle", "step_digest<NettleCrypto>"),
    ("SHA-384 of the report, OpenSSL", "step_digest<OpenSslCrypto>"),
    ("RSA-4096-PSS, Mbed TLS", "step_rsa<MbedCrypto>"),
    ("RSA-4096-PSS, Nettle", "step_rsa<NettleCrypto>"),
    ("RSA-4096-PSS, OpenSSL", "step_rsa<OpenSslCrypto>"),
    ("ECDSA P-384, Mbed TLS", "step_ecdsa<MbedCrypto>"),
    ("ECDSA P-384, Mbed TLS, without the curve's table", "step_ecdsa_by_mbedtls_cold"),
    ("ECDSA P-384, Nettle", "step_ecdsa<NettleCrypto>"),
    ("ECDSA P-384, OpenSSL", "step_ecdsa<OpenSslCrypto>"),
    ("chain, Mbed TLS", "chain<MbedCrypto>/0"),
    ("chain without the root's own signature, Mbed TLS", "chain<MbedCrypto>/1"),
    ("chain, Nettle", "chain<NettleCrypto>/0"),
    ("chain without the root's own signature, Nettle", "chain<NettleCrypto>/1"),
    ("chain, OpenSSL", "chain<OpenSslCrypto>/0"),
    ("chain without the root's own signature, OpenSSL", "chain<OpenSslCrypto>/1"),
    ("chain and report, Mbed TLS, cold", "full_cold<MbedCrypto>"),
    ("report under a known chain, without its signature", "report<Digests>"),
    ("evidence under a known chain, without its signatures", "evidence<Digests>"),
    ("evidence under a known chain, Mbed TLS", "evidence<MbedCrypto>"),
)


def time(value):
    return f"{value:.2f} µs" if value < 10 else f"{value:.1f} µs" if value < 1000 else f"{value / 1000:.2f} ms"


def table(data):
    out = ["| what | median | least | beside | median | least | ratio of medians | of least | to reach |",
           "|---|--:|--:|---|--:|--:|--:|--:|--:|"]
    for what, ours, beside, theirs, most in comparisons(data):
        reach = f"≤ {most}" if most else ""
        out.append(f"| {what} | {time(ours.median)} | {time(ours.least)} | {beside} | {time(theirs.median)} | "
                   f"{time(theirs.least)} | {ours.median / theirs.median:.2f} | {ours.least / theirs.least:.3f} | {reach} |")
    out += ["", "| by itself | median | least |", "|---|--:|--:|"]
    for what, name in ALONE:
        series = data["in process"][name]
        out.append(f"| {what} | {time(series.median)} | {time(series.least)} |")
    for what, series in (("the flow, on a TPM that answers at once", data["flow alone"]["flow_instant<MbedCrypto>"]),
                         ("the same, digest by OpenSSL", data["flow alone"]["flow_instant<OpenSslCrypto>"]),
                         ("process start-up, static", data["verify"]["start-up"]),
                         ("process start-up, static with musl", data["verify"]["start-up, musl"]),
                         ("the flow as a static process, from a recording", data["verify"]["replay"]),
                         ("process start-up, dynamic", data["verify"]["start-up, dynamic"]),
                         ("verify attestation, dynamic process", data["verify"]["snpnv, dynamic"])):
        out.append(f"| {what} | {time(series.median)} | {time(series.least)} |")
    one, two, pair = (data["stream"][name] for name in ("1", "2", "pair"))
    commands, rss, sizes = data["commands"], data["rss"], data["sizes"]
    out += ["", "| figure | value | to reach |", "|---|--:|--:|",
            f"| allocations while envelope, report and claims are parsed | {data['allocations']['parse_envelope']:.4f} | 0 |",
            f"| evidence a second, `--stream` | {STREAM_LINES / one.least * 1e6:.0f} | |",
            f"| evidence a second, `--stream`, Nettle | {STREAM_LINES / data['stream']['Nettle'].least * 1e6:.0f} | ≥ 2,400 |",
            f"| `--stream --jobs 2` to one job, least and median | {one.least / two.least:.2f}, "
            f"{one.median / two.median:.2f} | ≥ 1.9 |",
            f"| two processes side by side to one, least and median | {2 * one.least / pair.least:.2f}, "
            f"{2 * one.median / pair.median:.2f} | |"]
    out += [f"| TPM commands of the flow, {name.replace('static', 'snpnv')} | {count} | {commands['by hand'] if name == 'static' else ''} |"
            for name, count in commands.items() if name not in ("dynamic", "musl")]
    out += [f"| peak RSS of verify attestation, {name} | {rss[name]} kB | |"
            for name in ("snpnv", "libcrypto", "snpnv, dynamic")]
    out += [f"| size of {name}, stripped | {size / 1000:.0f} kB | |" for name, size in sizes.items()]
    out += [f"| executions a second of fuzz_{name} | {rate:,.0f} | ≥ 100,000 |" for name, rate in data["fuzz"].items()]
    return "\n".join(out) + "\n"


def plot(data):
    """Ratios of the least times as bars; what a figure should reach as a mark."""
    rows = comparisons(data)
    left, width, step, most = 470, 380, 24, 1.5
    height = step * len(rows) + 60
    text = 'font-family="sans-serif" font-size="12"'
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 60}" height="{height}">',
           '<rect width="100%" height="100%" fill="white"/>']
    scale = width / most
    for tick in (0, 0.25, 0.5, 0.75, 1, 1.25, 1.5):
        x = left + tick * scale
        colour = "#444" if tick == 1 else "#ddd"
        out.append(f'<line x1="{x:.1f}" y1="24" x2="{x:.1f}" y2="{height - 28}" stroke="{colour}"/>')
        out.append(f'<text x="{x:.1f}" y="{height - 12}" text-anchor="middle" {text}>{tick:g}</text>')
    out.append(f'<text x="{left}" y="16" {text}>time, as a multiple of the reference; | to reach</text>')
    for i, (what, ours, beside, theirs, reach) in enumerate(rows):
        ratio, y = ours.least / theirs.least, 30 + i * step
        good = reach is None or ratio <= reach
        colour = "#4c78a8" if good else "#e45756"
        out.append(f'<text x="{left - 8}" y="{y + 12}" text-anchor="end" {text}>{what} : {beside}</text>')
        out.append(f'<rect x="{left}" y="{y}" width="{min(ratio, most) * scale:.1f}" height="16" fill="{colour}"/>')
        out.append(f'<text x="{left + min(ratio, most) * scale + 4:.1f}" y="{y + 12}" {text}>{ratio:.2f}</text>')
        if reach is not None:
            x = left + reach * scale
            out.append(f'<line x1="{x:.1f}" y1="{y - 2}" x2="{x:.1f}" y2="{y + 18}" stroke="black" stroke-width="2"/>')
    return "\n".join([*out, "</svg>"]) + "\n"


def main():
    if sys.argv[1:] == ["--fuzz-targets"]:
        print("\n".join(FUZZ_TARGETS))
        return
    build = os.path.abspath(sys.argv[1])
    # Not a disk: reports are synced when they are written, and that is not what is measured.
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(prefix="snpnv-bench-", dir=memory) as folder:
        data = measure(build, folder)
    print(table(data))
    if "--write" not in sys.argv[2:]:
        return
    page = ROOT + "/docs/performance.md"
    with open(page) as file:
        text = file.read()
    begin, end = "<!-- measured -->\n", "<!-- /measured -->\n"
    before, rest = text.split(begin)
    with open(page, "w") as file:
        file.write(before + begin + table(data) + end + rest.split(end)[1])
    with open(ROOT + "/docs/performance.svg", "w") as file:
        file.write(plot(data))


if __name__ == "__main__":
    main()
