// SPDX-License-Identifier: Apache-2.0
// sevpeer FOLDER [TIMES]: verifies FOLDER/report under ark.der, ask.der and vcek.der of FOLDER, once. With TIMES so often
// again, in 20 rounds, and prints the CPU time of one in the least and the median round, in microseconds.
use sev::certs::snp::{ca, Certificate, Chain, Verifiable};
use sev::firmware::guest::AttestationReport;
use sev::parser::ByteParser;

fn cpu() -> f64 {
    let mut used: libc::rusage = unsafe { std::mem::zeroed() };
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut used) };
    let microseconds = |t: libc::timeval| t.tv_sec as f64 * 1e6 + t.tv_usec as f64;
    microseconds(used.ru_utime) + microseconds(used.ru_stime)
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let read = |name: &str| std::fs::read(format!("{}/{}", arguments[1], name)).unwrap();
    let (report, ark, ask, vcek) = (read("report"), read("ark.der"), read("ask.der"), read("vcek.der"));
    let certificate = |der: &[u8]| Certificate::from_der(der).unwrap();
    let once = || {
        let ca = ca::Chain { ark: certificate(&ark), ask: certificate(&ask) };
        let chain = Chain { ca, vek: certificate(&vcek) };
        (&chain, &AttestationReport::from_bytes(&report).unwrap()).verify().unwrap();
    };
    once();
    if arguments.len() < 3 {
        return;
    }
    let times: u32 = arguments[2].parse().unwrap();
    let mut rounds = [0.0; 20];
    for round in &mut rounds {
        let start = cpu();
        (0..times).for_each(|_| once());
        *round = (cpu() - start) / f64::from(times);
    }
    rounds.sort_by(f64::total_cmp);
    println!("{:.1}\t{:.1}", rounds[0], rounds[rounds.len() / 2]);
}
