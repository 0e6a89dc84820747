package ui

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestJSONOfAFetchThatFailed(t *testing.T) {
	r := Result{Snapshot: halfway(), Out: "/tmp/big.iso", Err: errors.New("no live peer"), ExitCode: 6, Limit: "loss on the path"}
	r.Elapsed, r.Resumed, r.Root = 40*time.Second, 52_000_000, "b3:af13"
	r.Peers = r.Peers[1:]
	want := `{"ok":false,"error":"no live peer","exit_code":6,"name":"big.iso","out":"/tmp/big.iso",` +
		`"bytes":452000000,"total_bytes":1000000000,"root":"b3:af13","resumed_bytes":52000000,"seconds":40,` +
		`"rate_bytes_per_sec":10000000,"limit":"loss on the path","peers":[` +
		`{"addr":"[2001:db8::7]:7440","state":"silent","sessions":3,"bytes":152000000,"share":1,` +
		`"rate_bytes_per_sec":3800000,"rtt_seconds":0.00085,"segments":120000,"segments_repeated":60000,"note":""},` +
		`{"addr":"10.0.0.9:7440","state":"refused","sessions":0,"bytes":0,"share":0,` +
		`"rate_bytes_per_sec":0,"rtt_seconds":null,"segments":0,"segments_repeated":0,"note":"its key has changed"}]}` + "\n"
	expectJSON(t, r, want)
}

func TestJSONOfAFetchThatNeverBegan(t *testing.T) {
	expectJSON(t, Result{Snapshot: Snapshot{Name: "x", Total: -1}, Out: "-"},
		`{"ok":true,"error":"","exit_code":0,"name":"x","out":"-","bytes":0,"total_bytes":null,"root":"","resumed_bytes":0,`+
			`"seconds":0,"rate_bytes_per_sec":0,"limit":"","peers":[]}`+"\n")
}

func expectJSON(t *testing.T, r Result, want string) {
	t.Helper()
	var b bytes.Buffer
	if err := WriteJSON(&b, r); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// What a peer says cannot steer a terminal that JSON is printed on, and still
// reaches the program that reads it unchanged.
func TestJSONIsHarmlessAndLossless(t *testing.T) {
	note := "<\x1b[2J \u009b \u202e \U000e0041 東京 \u2028>\n"
	var b bytes.Buffer
	if err := WriteJSON(&b, Result{Snapshot: Snapshot{Peers: []PeerStatus{{Note: note}}}}); err != nil {
		t.Fatal(err)
	}
	line := strings.TrimSuffix(b.String(), "\n")
	if strings.ContainsFunc(line, unprintable) {
		t.Errorf("not printable: %q", line)
	}
	var back struct{ Peers []struct{ Note string } }
	if err := json.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if got := back.Peers[0].Note; got != note {
		t.Errorf("read back %q, want %q", got, note)
	}
}

func TestJSONReportsAFullDisk(t *testing.T) {
	if err := WriteJSON(broken{}, Result{}); err == nil || !strings.Contains(err.Error(), "write the JSON report") {
		t.Errorf("error %v", err)
	}
}
