package volume

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLook(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mount string
		sys   map[string]string
		want  State
	}{
		"plain":           {"36 1 8:1 / / rw - ext4 /dev/sda1 rw", map[string]string{"8:1/size": "1"}, Not},
		"luks":            {"36 1 253:0 / / rw - ext4 /dev/mapper/x rw", map[string]string{"253:0/dm/uuid": "CRYPT-LUKS2-abc-x\n"}, Encrypted},
		"lvm on luks":     {"36 1 253:1 / / rw - xfs /dev/mapper/y rw", map[string]string{"253:1/dm/uuid": "LVM-abc", "253:1/slaves/dm-0/dm/uuid": "CRYPT-LUKS2-abc"}, Encrypted},
		"raid half plain": {"36 1 9:0 / / rw - xfs /dev/md0 rw", map[string]string{"9:0/slaves/dm-0/dm/uuid": "CRYPT-LUKS2-abc", "9:0/slaves/sdb/size": "1"}, Not},
		"ecryptfs":        {"36 1 0:44 / / rw - ecryptfs /home/.private rw", nil, Encrypted},
		"overlay":         {"36 1 0:44 / / rw - overlay overlay rw", nil, Unknown},
		"no device":       {"36 1 8:9 / / rw - ext4 /dev/sdz rw", nil, Unknown},
		"no mounts":       {"", nil, Unknown},
	} {
		root := t.TempDir()
		files := map[string]string{"proc/self/mountinfo": c.mount + "\n"}
		for p, v := range c.sys {
			files["sys/dev/block/"+p] = v
		}
		for p, v := range files {
			p = filepath.Join(root, p)
			if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(p, []byte(v), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got, detail := look(root, t.TempDir()); got != c.want || detail == "" {
			t.Errorf("%s: %s (%s), want %s", name, got, detail, c.want)
		}
	}
	if state, detail := Probe(t.TempDir()); detail == "" {
		t.Errorf("here: %s without a reason", state)
	} else {
		t.Logf("here: %s, %s", state, detail)
	}
}
