// Package example has a run with one of everything, by which the reports are tested and looked at.
package example

import (
	"errors"
	"time"

	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/results"
)

// Run is a failed run of two features: scenarios of each status, hooks, outlines, and each kind of evidence.
func Run() results.Run {
	started := time.Date(2026, time.November, 22, 19, 0, 0, 0, time.UTC)
	return results.Run{
		Title:   "Ingress conformance",
		Started: started, Finished: started.Add(41*time.Second + 320*time.Millisecond),
		Environment: []results.Property{
			{Name: "Cluster", Value: "embedded"},
			{Name: "Kubernetes", Value: "v1.37.2"},
			{Name: "Nodes", Value: "k3s-s, k3s-w1, k3s-w2, k3s-w3"},
			{Name: "Controller", Value: "testbed.local/controller:dev"},
			{Name: "Client", Value: "175.116.31.155"},
		},
		Features: []results.Feature{walkthrough(started), hosts(started)},
	}
}

func walkthrough(started time.Time) results.Feature {
	return results.Feature{
		URI: "features/walkthroughs/ingress.feature", Keyword: "Feature", Name: "An ingress in front of three services",
		Description: "As a newcomer I deploy three services behind one ingress\nand see where requests go.",
		Tags:        []string{"@walkthrough"}, Line: 2,
		Scenarios: []results.Scenario{
			passed(started), failed(started), captured(started), undefined(started),
		},
	}
}

func hosts(started time.Time) results.Feature {
	feature := results.Feature{
		URI: "features/conformance/hosts.feature", Keyword: "Feature", Name: "Hosts and wildcards", Line: 1,
	}
	for i, row := range [][2]string{{"gyull.com", "200"}, {"test.gyull.com", "404"}} {
		feature.Scenarios = append(feature.Scenarios, results.Scenario{
			Keyword: "Scenario Outline", Name: "A request is routed by its host", Rule: "A wildcard stands for one label",
			Example: []results.Property{{Name: "host", Value: row[0]}, {Name: "status", Value: row[1]}},
			Line:    14 + i, Started: started, Duration: 84 * time.Millisecond,
			Steps: []results.Step{
				{
					Keyword: "Given", Text: "the ingress \"ingress-2\"", Line: 4, Background: true,
					Status: results.Passed, Duration: 71 * time.Millisecond,
				},
				{
					Keyword: "When", Text: "the client requests http://" + row[0] + ":30080/", Line: 9,
					Status: results.Passed, Duration: 8 * time.Millisecond,
				},
				{
					Keyword: "Then", Text: "the status is " + row[1], Line: 10,
					Status: results.Passed, Duration: 40 * time.Microsecond,
				},
			},
		})
	}
	feature.Scenarios = append(feature.Scenarios, skipped(started), broken(started), unrun())
	return feature
}

func passed(started time.Time) results.Scenario {
	return results.Scenario{
		Keyword: "Scenario", Name: "Requests to /admin go round robin", Line: 18,
		Tags: []string{"@walkthrough", "@distribution"}, Started: started, Duration: 1240 * time.Millisecond,
		Steps: []results.Step{
			{
				Keyword: "When", Text: "the client requests /admin 100 times", Line: 19,
				Status: results.Passed, Duration: 912 * time.Millisecond, Evidence: []evidence.Evidence{Load(started)},
			},
			{
				Keyword: "Then", Text: "the requests are shared out evenly over the pods of svc3-admin", Line: 20,
				Status: results.Passed, Duration: 3 * time.Millisecond,
				Evidence: []evidence.Evidence{evidence.Distribution{
					Title: "Pods that answered /admin", Total: 100,
					Shares: []evidence.Share{
						{Label: "deploy3-adminsrv-7c8f8b8c87-qq2fj", Observed: 34, Expected: 100.0 / 3, Low: 33, High: 34},
						{Label: "deploy3-adminsrv-7c8f8b8c87-76sjm", Observed: 33, Expected: 100.0 / 3, Low: 33, High: 34},
						{Label: "deploy3-adminsrv-7c8f8b8c87-5pf7g", Observed: 33, Expected: 100.0 / 3, Low: 33, High: 34},
					},
				}},
			},
		},
	}
}

func failed(started time.Time) results.Scenario {
	failure := &evidence.Failure{
		Expected: "about 10 % of 1000 requests answered by svc-v2 (63 to 141)",
		Seen:     "187 requests answered by svc-v2",
		Look: []string{
			"the routing table below, location / of gyull.com",
			"kubectl logs -n ingress deployment/ingress-nginx-controller",
		},
		Cause: errors.New("p = 3.1e-16 is below the limit of 1e-7"),
	}
	return results.Scenario{
		Keyword: "Scenario", Name: "A canary gets its weight", Line: 24, Tags: []string{"@walkthrough", "@canary"},
		Description: "The article's canary has a weight of 10 of 100.",
		Started:     started.Add(2 * time.Second), Duration: 3400 * time.Millisecond,
		Steps: []results.Step{
			{
				Keyword: "Given", Text: "the canary ingress", Line: 25, Status: results.Passed,
				Duration: 210 * time.Millisecond, Table: [][]string{
					{"annotation", "value"}, {"nginx.ingress.kubernetes.io/canary", "true"},
					{"nginx.ingress.kubernetes.io/canary-weight", "10"},
				},
			},
			{
				Keyword: "When", Text: "the client requests http://gyull.com:30080/ 1000 times", Line: 29,
				Status: results.Passed, Duration: 2900 * time.Millisecond,
			},
			{
				Keyword: "Then", Text: "10 % of the requests are answered by svc-v2", Line: 30,
				Status: results.Failed, Duration: 4 * time.Millisecond,
				Failure: &results.Failure{
					Message: failure.Error(), Expected: failure.Expected, Seen: failure.Seen,
					Cause: failure.Cause.Error(), Look: failure.Look, Effect: effect.AnotherBackend,
				},
				Evidence: []evidence.Evidence{
					evidence.Distribution{
						Title: "Services that answered", Total: 1000,
						Test:   "exact binomial test, two-sided: each request is answered by svc-v2 with probability 0.1",
						PValue: 3.1e-16, FalseAlarm: 1e-7,
						Shares: []evidence.Share{
							{Label: "svc-v1 (nginx 1.13.0)", Observed: 813, Expected: 900, Low: 859, High: 937},
							{Label: "svc-v2 (nginx 1.13.1)", Observed: 187, Expected: 100, Low: 63, High: 141},
						},
					},
					evidence.Text{Title: "Routing table", Body: "server gyull.com\n  location / prefix\n" +
						"    default/ingress-canary-v1 svc-v1:8080 weight 90\n    default/ingress-canary-v2 svc-v2:8080 weight 10\n"},
				},
			},
			{Keyword: "And", Text: "no other service answers", Line: 31, Status: results.Skipped},
		},
	}
}

func captured(started time.Time) results.Scenario {
	at := func(microseconds int) time.Time {
		return started.Add(8*time.Second + time.Duration(microseconds)*time.Microsecond)
	}
	const client, controller = "client 175.116.31.155", "controller 172.16.0.7"
	return results.Scenario{
		Keyword: "Scenario", Name: "TLS ends at the controller", Line: 34, Tags: []string{"@walkthrough", "@capture"},
		Started: started.Add(8 * time.Second), Duration: 640 * time.Millisecond,
		Steps: []results.Step{
			{
				Keyword: "When", Text: "the client requests https://gyull.com:30443/ while packets are captured", Line: 35,
				Status: results.Passed, Duration: 620 * time.Millisecond,
			},
			{
				Keyword: "Then", Text: "the controller's pod sees a TLS handshake on port 443", Line: 36,
				Status: results.Passed, Duration: 2 * time.Millisecond,
				Evidence: []evidence.Evidence{
					evidence.Ladder{
						Title: "Port 443 at the controller's pod", Columns: []string{client, controller}, File: "https.pcap",
						Packets: []evidence.Packet{
							{Time: at(0), From: client, To: controller, Label: "SYN", Detail: "63439 → 443, seq 1383706545"},
							{Time: at(16), From: controller, To: client, Label: "SYN, ACK", Detail: "443 → 63439, seq 814443817"},
							{Time: at(4880), From: client, To: controller, Label: "ACK"},
							{Time: at(5598), From: client, To: controller, Label: "ClientHello", Detail: "server_name gyull.com, 1878 bytes"},
							{Time: at(6117), From: controller, To: client, Label: "ServerHello", Detail: "TLS 1.3, 254 bytes"},
						},
					},
					evidence.File{Title: "Packets on port 443", Name: "https.pcap", MediaType: evidence.PcapMediaType, Bytes: pcap()},
				},
			},
		},
	}
}

// pcap is a capture file without packets: its header alone.
func pcap() []byte {
	return []byte{
		0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0,
	}
}

func undefined(started time.Time) results.Scenario {
	return results.Scenario{
		Keyword: "Scenario", Name: "A step nobody has written", Line: 40, Started: started, Duration: time.Millisecond,
		Steps: []results.Step{{
			Keyword: "Given", Text: "a moon made of cheese", Line: 41, Status: results.Undefined,
			Failure: &results.Failure{Message: "no step definition matches this text"},
		}},
	}
}

func skipped(started time.Time) results.Scenario {
	return results.Scenario{
		Keyword: "Scenario", Name: "Pods talk over IPv6", Line: 20, Started: started, Duration: 2 * time.Millisecond,
		Steps: []results.Step{
			{
				Keyword: "Given", Text: "a cluster with two IP families", Line: 21, Status: results.Skipped,
				SkipReason: "this cluster has IPv4 alone", DocString: "families:\n  - IPv4\n  - IPv6",
			},
			{Keyword: "Then", Text: "each pod has two addresses", Line: 22, Status: results.Skipped},
		},
	}
}

func broken(started time.Time) results.Scenario {
	return results.Scenario{
		Keyword: "Scenario", Name: "The namespace goes away", Line: 25, Started: started, Duration: 30 * time.Second,
		Error: "after the scenario: the namespace hosts-4 is still terminating after 30s",
		Steps: []results.Step{{
			Keyword: "Given", Text: "a namespace", Line: 26, Status: results.Passed, Duration: 5 * time.Millisecond,
		}},
	}
}

func unrun() results.Scenario {
	return results.Scenario{
		Keyword: "Scenario", Name: "Two wildcards", Line: 30,
		Steps: []results.Step{{Keyword: "Given", Text: "two ingresses with wildcards", Line: 31, Status: results.NotRun}},
	}
}
