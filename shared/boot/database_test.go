package boot

import "testing"

func TestDatabase_AnInstanceHoldsAsManyConnectionsAsIsSetAndEightOtherwise(t *testing.T) {
	t.Parallel()
	for set, want := range map[string]int32{"": 8, "2": 2} {
		env := Environment{"DATABASE_URL": "postgres://db.example.test/app?pool_max_conns=50"}
		if set != "" {
			env["DATABASE_CONNECTIONS"] = set
		}
		s, err := Settings[Database](env)
		if err != nil {
			t.Fatal(err)
		}
		config, err := s.config()
		if err != nil || config.MaxConns != want {
			t.Errorf("with DATABASE_CONNECTIONS=%q there are at most %d, %v; want %d", set, config.MaxConns, err, want)
		}
	}
	if _, err := Settings[Database](Environment{"DATABASE_URL": "postgres://db.example.test/app", "DATABASE_CONNECTIONS": "-1"}); err == nil {
		t.Error("a negative number of connections was taken")
	}
}
