package example

import (
	"reflect"

	"github.com/ingress-testbed/testbed/reports/results"
)

// Rewrite returns the run with every text in it, evidence included, replaced by what replace makes of it. Statuses
// stay, and so do empty texts, so that what is there and what isn't remains the same.
func Rewrite(run results.Run, replace func(string) string) results.Run {
	value := reflect.New(reflect.TypeFor[results.Run]()).Elem()
	value.Set(rewrite(reflect.ValueOf(run), replace))
	return value.Interface().(results.Run)
}

func rewrite(value reflect.Value, replace func(string) string) reflect.Value {
	copied := reflect.New(value.Type()).Elem()
	copied.Set(value)
	switch value.Kind() {
	case reflect.String:
		if value.Type() == reflect.TypeFor[string]() && value.Len() > 0 {
			copied.SetString(replace(value.String()))
		}
	case reflect.Struct:
		for i := range value.NumField() {
			if copied.Field(i).CanSet() {
				copied.Field(i).Set(rewrite(value.Field(i), replace))
			}
		}
	case reflect.Slice:
		if value.IsNil() {
			break
		}
		copied.Set(reflect.MakeSlice(value.Type(), value.Len(), value.Len()))
		for i := range value.Len() {
			copied.Index(i).Set(rewrite(value.Index(i), replace))
		}
	case reflect.Pointer, reflect.Interface:
		if value.IsNil() {
			break
		}
		element := rewrite(value.Elem(), replace)
		if value.Kind() == reflect.Interface {
			copied.Set(element)
			break
		}
		copied.Set(reflect.New(element.Type()))
		copied.Elem().Set(element)
	}
	return copied
}
