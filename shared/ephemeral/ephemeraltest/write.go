package ephemeraltest

import (
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// apply does one write to docs.
func apply(docs map[string]*pb.Document, w *pb.Write, now *timestamppb.Timestamp) (*pb.WriteResult, error) {
	name := w.GetDelete()
	if w.GetUpdate() != nil {
		name = w.GetUpdate().GetName()
	}
	if name == "" {
		return nil, status.Error(codes.InvalidArgument, "the write names no document")
	}
	if err := hold(docs[name], w.GetCurrentDocument()); err != nil {
		return nil, err
	}
	if w.GetUpdate() == nil {
		delete(docs, name)
		return &pb.WriteResult{}, nil
	}
	doc := &pb.Document{Name: name, CreateTime: now, UpdateTime: now, Fields: map[string]*pb.Value{}}
	if old := docs[name]; old != nil {
		doc.CreateTime = old.GetCreateTime()
		if w.GetUpdateMask() != nil {
			doc.Fields = proto.Clone(old).(*pb.Document).GetFields()
		}
	}
	if doc.Fields == nil {
		doc.Fields = map[string]*pb.Value{}
	}
	if err := setFields(doc, w); err != nil {
		return nil, err
	}
	results := make([]*pb.Value, 0, len(w.GetUpdateTransforms()))
	for _, t := range w.GetUpdateTransforms() {
		result, err := transform(doc, t, now)
		if err != nil {
			return nil, err
		}
		results = append(results, result)
	}
	docs[name] = doc
	return &pb.WriteResult{UpdateTime: now, TransformResults: results}, nil
}

// hold checks a write's precondition.
func hold(doc *pb.Document, p *pb.Precondition) error {
	switch c := p.GetConditionType().(type) {
	case *pb.Precondition_Exists:
		if c.Exists && doc == nil {
			return status.Error(codes.NotFound, "No document to update")
		}
		if !c.Exists && doc != nil {
			return status.Error(codes.AlreadyExists, "Document already exists")
		}
	case *pb.Precondition_UpdateTime:
		if !proto.Equal(doc.GetUpdateTime(), c.UpdateTime) {
			return status.Error(codes.FailedPrecondition, "the stored version does not match the required base version")
		}
	}
	return nil
}

// setFields writes all fields, or those of the mask; a masked field that is not given is removed.
func setFields(doc *pb.Document, w *pb.Write) error {
	given := proto.Clone(w.GetUpdate()).(*pb.Document).GetFields()
	if w.GetUpdateMask() == nil {
		for name, value := range given {
			doc.Fields[name] = value
		}
		return nil
	}
	for _, name := range w.GetUpdateMask().GetFieldPaths() {
		if strings.ContainsAny(name, ".`") {
			return status.Error(codes.Unimplemented, "the stand-in has no nested field paths")
		}
		delete(doc.Fields, name)
		if value, ok := given[name]; ok {
			doc.Fields[name] = value
		}
	}
	return nil
}

func transform(doc *pb.Document, t *pb.DocumentTransform_FieldTransform, now *timestamppb.Timestamp) (*pb.Value, error) {
	name := t.GetFieldPath()
	old := doc.Fields[name]
	var value *pb.Value
	switch {
	case t.GetIncrement() != nil:
		value = &pb.Value{ValueType: &pb.Value_IntegerValue{IntegerValue: old.GetIntegerValue() + t.GetIncrement().GetIntegerValue()}}
	case t.GetSetToServerValue() == pb.DocumentTransform_FieldTransform_REQUEST_TIME:
		value = &pb.Value{ValueType: &pb.Value_TimestampValue{TimestampValue: now}}
	case t.GetAppendMissingElements() != nil:
		value = &pb.Value{ValueType: &pb.Value_ArrayValue{ArrayValue: union(old.GetArrayValue(), t.GetAppendMissingElements())}}
	default:
		return nil, status.Error(codes.Unimplemented, "the stand-in has no such transform")
	}
	doc.Fields[name] = value
	return value, nil
}

func union(old, added *pb.ArrayValue) *pb.ArrayValue {
	all := &pb.ArrayValue{Values: append([]*pb.Value(nil), old.GetValues()...)}
	for _, v := range added.GetValues() {
		has := false
		for _, o := range all.GetValues() {
			has = has || proto.Equal(o, v)
		}
		if !has {
			all.Values = append(all.Values, v)
		}
	}
	return all
}
