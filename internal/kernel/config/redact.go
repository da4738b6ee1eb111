package config

import (
	"fmt"
	"reflect"
	"strings"
)

// Setting is one line of the effective configuration, safe to show.
type Setting struct {
	Name  string `json:"name"` // the flag without its dashes
	Env   string `json:"env"`
	Value string `json:"value"`
}

// Redacted returns every setting with its effective value, in the order of the struct.
// A Secret shows only that it is set; the database address shows host, name and user.
func (c Config) Redacted() []Setting {
	var out []Setting
	collect(&out, reflect.ValueOf(c), "")
	for i, s := range out {
		switch s.Name {
		case "database-url":
			out[i].Value = redactDSN(c.DatabaseURL)
		case "public-url":
			out[i].Value = c.Origin()
		}
	}
	return out
}

func collect(out *[]Setting, v reflect.Value, prefix string) {
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		if _, ok := tag.Lookup("embed"); ok {
			collect(out, v.Field(i), tag.Get("prefix"))
			continue
		}
		name := tag.Get("name")
		if name == "" {
			continue
		}
		value := fmt.Sprint(v.Field(i).Interface())
		if list, ok := v.Field(i).Interface().([]string); ok {
			value = strings.Join(list, ",")
		}
		*out = append(*out, Setting{Name: prefix + name, Env: tag.Get("env"), Value: value})
	}
}
