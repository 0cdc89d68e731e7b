package table

import (
	"fmt"

	"github.com/parquet-go/parquet-go"
)

// leaves are the columns that hold values, in their order.
type leaves []parquet.LeafColumn

func leavesOf(s *parquet.Schema) leaves {
	var all leaves
	for _, path := range s.Columns() {
		leaf, _ := s.Lookup(path...)
		all = append(all, leaf)
	}
	return all
}

// check holds the values of a row against the columns. The library puts values
// into a row by their order, without a look at whose they are: where a damaged
// column ends early, it would take the number of the next one for an address.
func (l leaves) check(values parquet.Row) error {
	column := -1
	for i := range values {
		v := &values[i]
		switch at := v.Column(); {
		case at == column+1 && at < len(l) && v.RepetitionLevel() == 0:
			column++
		case at != column || column < 0 || v.RepetitionLevel() == 0 || v.RepetitionLevel() > l[column].MaxRepetitionLevel:
			return fmt.Errorf("its columns do not hold the same number of rows")
		}
		leaf := &l[column]
		switch {
		case v.IsNull() && v.DefinitionLevel() < leaf.MaxDefinitionLevel:
		case v.IsNull() || v.DefinitionLevel() != leaf.MaxDefinitionLevel || v.Kind() != leaf.Node.Type().Kind():
			return fmt.Errorf("a value of the column %v is not what it should be", leaf.Path)
		}
	}
	if column != len(l)-1 {
		return fmt.Errorf("its columns do not hold the same number of rows")
	}
	return nil
}
