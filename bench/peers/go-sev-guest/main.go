// SPDX-License-Identifier: Apache-2.0
// peer FOLDER [TIMES]: verifies FOLDER/report under FOLDER/vcek.der and the library's own Milan roots, once. With TIMES so
// often again, in 20 rounds, and prints the CPU time of one in the least and the median round, in microseconds.
package main

import (
	"fmt"
	"os"
	"sort"
	"strconv"
	"syscall"
	"time"

	"github.com/google/go-sev-guest/abi"
	spb "github.com/google/go-sev-guest/proto/sevsnp"
	"github.com/google/go-sev-guest/verify"
)

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func read(name string) []byte { return must(os.ReadFile(os.Args[1] + "/" + name)) }

func cpu() float64 {
	var used syscall.Rusage
	must(0, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1000
}

func main() {
	report, vcek, ask, ark := read("report"), read("vcek.der"), read("ask.der"), read("ark.der")
	options := verify.Options{DisableCertFetching: true, Now: time.Now()}
	once := func() {
		attestation := &spb.Attestation{
			Report:           must(abi.ReportToProto(report)),
			CertificateChain: &spb.CertificateChain{VcekCert: vcek, AskCert: ask, ArkCert: ark},
		}
		must(0, verify.SnpAttestation(attestation, &options))
	}
	once()
	if len(os.Args) < 3 {
		return
	}
	times := must(strconv.Atoi(os.Args[2]))
	rounds := make([]float64, 20)
	for i := range rounds {
		start := cpu()
		for range times {
			once()
		}
		rounds[i] = (cpu() - start) / float64(times)
	}
	sort.Float64s(rounds)
	fmt.Printf("%.1f\t%.1f\n", rounds[0], rounds[len(rounds)/2])
}
