package model

import (
	"fmt"
	"math"
	"reflect"
	"sort"
	"strings"
	"time"
)

// deepest is how many structs are nested as values of struct fields.
const deepest = 2

var (
	timeType     = reflect.TypeFor[time.Time]()
	pointType    = reflect.TypeFor[Point]()
	colorType    = reflect.TypeFor[Color]()
	moodType     = reflect.TypeFor[Mood]()
	sizeType     = reflect.TypeFor[Size]()
	weightType   = reflect.TypeFor[Weight]()
	mapType      = reflect.TypeFor[map[string]any]()
	anythingType = reflect.TypeFor[any]()
	ownerType    = reflect.TypeFor[owner]()
)

// implementors are the types that values of interfaces have. Not all of them are in the schema.
var implementors = []reflect.Type{
	reflect.TypeFor[*Person](), reflect.TypeFor[*Robot](), reflect.TypeFor[*Rock](), reflect.TypeFor[Rock](),
	reflect.TypeFor[*Item](), reflect.TypeFor[*Pair](), reflect.TypeFor[Pair](),
	reflect.TypeFor[*Stranger](), reflect.TypeFor[Guest](),
}

// value makes a value of any of the types of the schema.
func value[T any](d *dice) T {
	var v T
	d.fill(reflect.ValueOf(&v).Elem(), 0)
	return v
}

func (d *dice) fill(v reflect.Value, depth int) {
	switch of := v.Type(); {
	case of == timeType:
		if !d.chance(0.1) {
			v.Set(reflect.ValueOf(time.Unix(d.Int64N(1<<32), 0).UTC()))
		}
	case of == colorType:
		v.SetString([]string{"RED", "GREEN", "BLUE"}[d.IntN(3)])
	case of == moodType:
		v.SetString([]string{"calm", "angry"}[d.IntN(2)])
	case of == sizeType:
		v.SetInt(int64(d.IntN(3)))
	case of == weightType:
		v.SetFloat(d.Float64() * 100)
	case of == mapType:
		if !d.chance(0.2) {
			v.Set(reflect.ValueOf(map[string]any{"a": d.IntN(9), "b": []any{d.text(), nil}}))
		}
	case of == anythingType:
		if !d.chance(0.2) {
			v.Set(reflect.ValueOf([]any{d.IntN(9), d.text(), true, map[string]any{"k": 1.5}}[d.IntN(4)]))
		}
	default:
		d.fillKind(v, depth)
	}
}

func (d *dice) fillKind(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Interface:
		d.fillInterface(v, depth)
	case reflect.Pointer:
		d.fillPointer(v, depth)
	case reflect.Struct:
		d.fillStruct(v, depth)
	case reflect.Slice:
		if d.chance(0.1) || d.fault() {
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), d.IntN(4), 4))
		for i := range v.Len() {
			d.fill(v.Index(i), depth)
		}
	case reflect.String:
		v.SetString(d.text())
	case reflect.Bool:
		v.SetBool(d.IntN(2) == 0)
	case reflect.Float64:
		v.SetFloat([]float64{0, -1.5, 1e21, 1e-9, 3, d.Float64()}[d.IntN(6)])
	case reflect.Int:
		v.SetInt(int64(d.IntN(1000) - 100))
	case reflect.Uint8:
		v.SetUint(uint64(d.IntN(256)))
	default:
		panic("no values of " + v.Type().String())
	}
}

func (d *dice) fillPointer(v reflect.Value, depth int) {
	to := v.Type().Elem()
	if depth >= deepest && to.Kind() == reflect.Struct && to != timeType && to != pointType ||
		d.fault() || to.Kind() != reflect.Struct && d.chance(0.1) {
		return
	}
	v.Set(reflect.New(to))
	d.fill(v.Elem(), depth)
	if d.chance(0.1) && to.Kind() == reflect.Float64 { // what cannot be marshaled
		if v.Elem().SetFloat(math.NaN()); to == weightType {
			v.Elem().SetFloat(-1)
		}
	}
}

func (d *dice) fillStruct(v reflect.Value, depth int) {
	if owner, ok := v.Addr().Interface().(owner); ok {
		owner.own().settle(d.world, d.Uint64())
	}
	for i := range v.NumField() {
		if v.Type().Field(i).IsExported() && !v.Type().Field(i).Anonymous {
			d.fill(v.Field(i), depth+1)
		}
	}
}

// fillInterface chooses one of the types that implement the interface. Types that the schema does not
// know are as rare as faults.
func (d *dice) fillInterface(v reflect.Value, depth int) {
	if d.fault() {
		return
	}
	var of []reflect.Type
	for _, candidate := range implementors {
		known := candidate.Implements(ownerType) || reflect.PointerTo(candidate).Implements(ownerType)
		if candidate.Implements(v.Type()) && (known || d.fault()) {
			of = append(of, candidate)
		}
	}
	made := reflect.New(of[d.IntN(len(of))]).Elem()
	if made.Kind() == reflect.Pointer {
		made.Set(reflect.New(made.Type().Elem()))
		d.fill(made.Elem(), depth)
	} else {
		d.fill(made, depth)
	}
	v.Set(made)
}

// text returns a text, which may be empty, need escapes, or be one over which marshalers panic.
func (d *dice) text() string {
	if d.fault() {
		return Unspeakable
	}
	return []string{"", "plain", "größe 🎉", "quoted \"\\", "line\nand\ttab", "<&>", "\u2028", "null"}[d.IntN(8)]
}

// describe writes arguments such that equal ones are described alike.
func describe(v any) string {
	var b strings.Builder
	describeValue(&b, reflect.ValueOf(v))
	return b.String()
}

func describeValue(b *strings.Builder, v reflect.Value) {
	if v.IsValid() && v.Kind() == reflect.Struct && v.MethodByName("IsSet").IsValid() { // graphql.Omittable
		fmt.Fprintf(b, "set=%t ", v.MethodByName("IsSet").Call(nil)[0].Bool())
		v = v.MethodByName("Value").Call(nil)[0]
	}
	switch {
	case !v.IsValid():
		b.WriteString("nil")
	case v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface:
		describeValue(b, v.Elem())
	case v.Kind() == reflect.Slice:
		fmt.Fprintf(b, "%t[", v.IsNil())
		for i := range v.Len() {
			describeValue(b, v.Index(i))
			b.WriteByte(',')
		}
		b.WriteByte(']')
	case v.Kind() == reflect.Map:
		var entries []string
		for _, key := range v.MapKeys() {
			entries = append(entries, key.String()+":"+describe(v.MapIndex(key).Interface()))
		}
		sort.Strings(entries)
		fmt.Fprint(b, entries)
	case v.Kind() == reflect.Struct:
		b.WriteByte('{')
		for i := range v.NumField() {
			describeValue(b, v.Field(i))
			b.WriteByte(',')
		}
		b.WriteByte('}')
	default:
		fmt.Fprintf(b, "%v", v.Interface())
	}
}
