// Rows as columns.
package io.github.stubtail;

import io.github.stubtail.v1.Column;
import io.github.stubtail.v1.NamedRows;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Rows as columns of one length: {@code new Table().numbers("amount", 1, 3).strings("plan", ..)}.
 */
public final class Table implements Rows {
  private final List<Column> columns = new ArrayList<>();

  /** Adds a column of numbers; NaN is missing. */
  public Table numbers(String feature, double... values) {
    Column.Builder column = Column.newBuilder().setName(feature);
    for (double value : values) {
      column.addNumbers(value);
    }
    columns.add(column.build());
    return this;
  }

  /** Adds a column of categories. */
  public Table strings(String feature, String... values) {
    return strings(feature, Arrays.asList(values));
  }

  /** Adds a column of categories. */
  public Table strings(String feature, Iterable<String> values) {
    columns.add(Column.newBuilder().setName(feature).addAllStrings(values).build());
    return this;
  }

  List<Column> columns() {
    return columns;
  }

  NamedRows proto() {
    return NamedRows.newBuilder().addAllColumns(columns).build();
  }
}
