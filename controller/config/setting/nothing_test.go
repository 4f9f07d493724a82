package setting

import "testing"

func TestCoversAll(t *testing.T) {
	for value, want := range map[string]bool{
		"0.0.0.0/0": true, "0.0.0.0/0,::/0": true, " ::/0 , 0.0.0.0/0 ": true, "10.0.0.0/8,0.0.0.0/0": true,
		"": false, "::/0": false, "10.0.0.0/8": false, "0.0.0.0/0,2001:db8::/32": false, "0.0.0.0/0,garbage": false, "0.0.0.0/1,128.0.0.0/1": false,
	} {
		if coversAll(value) != want {
			t.Errorf("%q covers all: %t", value, !want)
		}
	}
}

func TestIsFalse(t *testing.T) {
	for value, want := range map[string]bool{"false": true, "0": true, "F": true, "true": false, "": false, "off": false} {
		if isFalse(value) != want {
			t.Errorf("%q is false: %t", value, !want)
		}
	}
}

func TestProtectionsCanBeGiven(t *testing.T) {
	for _, table := range []Table{annotations, configMap} {
		for _, group := range table.groups {
			for i := range group.Settings {
				s := &group.Settings[i]
				if d := s.Decision; d.Protects && d.Kind == Refused && s.Name != "" {
					r := NewReader(table, "", map[string]string{s.Name: "anything"})
					if r.Denied() != s.Name+": "+d.Reason || len(r.Faults()) != 1 || r.Faults()[0].Unsupported {
						t.Errorf("%s is closed by %q, faults %+v", s.Name, r.Denied(), r.Faults())
					}
				}
			}
		}
	}
}
