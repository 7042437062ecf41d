// Package exec holds what is generated from the schema: gqlgen's executor (exec_gen.go), and the product's
// (executor_gen.go), which answers everything. gqlgen's is the referee in tests.
package exec
