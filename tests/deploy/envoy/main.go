// Judges bootstrap configurations of Envoy by its own definitions and their rules: an unknown member and a value out of range are errors.
package main

import (
	"fmt"
	"os"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	// What the configurations name by `@type`.
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_authz/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/header_mutation/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
	"sigs.k8s.io/yaml"
)

func judge(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	json, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return err
	}
	var bootstrap bootstrapv3.Bootstrap
	if err := protojson.Unmarshal(json, &bootstrap); err != nil {
		return err
	}
	return validate(&bootstrap)
}

// Validates a message, and what it carries as `Any`, which its own rules do not reach.
func validate(message proto.Message) error {
	if ruled, ok := message.(interface{ ValidateAll() error }); ok {
		if err := ruled.ValidateAll(); err != nil {
			return err
		}
	}
	var found error
	visit := func(value protoreflect.Value) {
		inner := value.Message().Interface()
		if boxed, ok := inner.(*anypb.Any); ok {
			opened, err := boxed.UnmarshalNew()
			if err != nil {
				found = err
				return
			}
			inner = opened
		}
		if err := validate(inner); err != nil {
			found = err
		}
	}
	message.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.IsMap() || field.Message() == nil:
		case field.IsList():
			for i := range value.List().Len() {
				visit(value.List().Get(i))
			}
		default:
			visit(value)
		}
		return found == nil
	})
	return found
}

func main() {
	for _, path := range os.Args[1:] {
		if err := judge(path); err != nil {
			fmt.Printf("%s: %v\n", path, err)
			os.Exit(1)
		}
		fmt.Printf("%s: good\n", path)
	}
}
