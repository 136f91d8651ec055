package crud_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gotnt/tnt/crud"
)

// summaryOf says what Schema, StorageInfo, Stats and the like returned, without
// the times.
func summaryOf(v any) string {
	switch v := v.(type) {
	case crud.SpaceSchema:
		var parts []string
		for _, f := range v.Format.Fields() {
			parts = append(parts, fmt.Sprint(f.Name, " ", f.Type, " ", f.IsNullable))
		}
		for _, i := range v.Indexes {
			parts = append(parts, fmt.Sprint(i.ID, " ", i.Name, " ", i.Type, " ", i.Unique, " ", len(i.Parts), " ", i.Parts[0].FieldNo))
		}
		return strings.Join(parts, ", ")
	case map[string]crud.SpaceSchema:
		return eachOf(v, summaryOf)
	case map[string]crud.Instance:
		return eachOf(v, func(v any) string {
			i := v.(crud.Instance)
			return fmt.Sprint(i.Status, " ", i.IsMaster, " ", i.Message)
		})
	case map[string]crud.Operations:
		return eachOf(v, func(v any) string {
			o := v.(crud.Operations)
			return fmt.Sprint(o.OK.Count, " ", o.Error.Count)
		})
	case map[string]map[string]crud.Operations:
		return eachOf(v, summaryOf)
	}
	return fmt.Sprintf("no summary of a %T", v)
}

func eachOf[T any](m map[string]T, summary func(any) string) string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, key+": {"+summary(m[key])+"}")
	}
	return strings.Join(parts, ", ")
}

// summaryOfRecorded says the same of what was recorded, "" of other functions.
func summaryOfRecorded(function string, results []any) string {
	if len(results) == 0 {
		return ""
	}
	m, _ := results[0].(map[string]any) // of nothing it is an empty list
	switch function {
	case "crud.schema":
		if m["format"] != nil {
			return recordedSchema(m)
		}
		return eachOf(m, recordedSchema)
	case "crud.storage_info":
		return eachOf(m, func(v any) string {
			i := v.(map[string]any)
			message, _ := i["message"].(string)
			return fmt.Sprint(i["status"], " ", i["is_master"], " ", message)
		})
	case "crud.stats":
		if spaces, ok := m["spaces"].(map[string]any); ok {
			return eachOf(spaces, recordedStats)
		}
		return recordedStats(m)
	}
	return ""
}

func recordedSchema(v any) string {
	m := v.(map[string]any)
	var parts []string
	for _, f := range m["format"].([]any) {
		f := f.(map[string]any)
		parts = append(parts, fmt.Sprint(f["name"], " ", f["type"], " ", f["is_nullable"] == true))
	}
	var indexes []any
	switch list := m["indexes"].(type) {
	case []any:
		indexes = list
	case map[any]any: // one is left out
		for id := range int64(len(list) + 1) {
			if i := list[id]; i != nil {
				indexes = append(indexes, i)
			}
		}
	}
	for _, i := range indexes {
		i := i.(map[string]any)
		list := i["parts"].([]any)
		parts = append(parts, fmt.Sprint(i["id"], " ", i["name"], " ", i["type"], " ", i["unique"], " ", len(list), " ", list[0].(map[string]any)["fieldno"]))
	}
	return strings.Join(parts, ", ")
}

func recordedStats(v any) string {
	m, _ := v.(map[string]any)
	kinds := make(map[string]any)
	for name, o := range m {
		if o := o.(map[string]any); o["ok"] != nil {
			kinds[name] = o
		}
	}
	return eachOf(kinds, func(v any) string {
		count := func(outcome string) any { return v.(map[string]any)[outcome].(map[string]any)["count"] }
		return fmt.Sprint(count("ok"), " ", count("error"))
	})
}
