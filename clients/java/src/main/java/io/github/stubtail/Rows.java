// What is scored: a row, a table of columns, or dense rows.
package io.github.stubtail;

import io.github.stubtail.v1.DenseRows;

/** What is scored: a {@link Row}, a {@link Table}, or {@linkplain #dense dense} rows. */
public sealed interface Rows permits Row, Table, Rows.Dense {
  /**
   * Rows of all features in the order of {@link StubtailClient#model}, row after row: a category by
   * its position, NaN for what is missing. The form for hot paths. The order belongs to a version
   * of the model: name it ("churn@1").
   */
  static Rows dense(float... values) {
    return new Dense(values);
  }

  /** Dense rows; see {@link #dense}. */
  final class Dense implements Rows {
    private final DenseRows proto; // a copy: the caller may use the array again

    private Dense(float[] values) {
      DenseRows.Builder builder = DenseRows.newBuilder();
      for (float value : values) {
        builder.addValues(value);
      }
      proto = builder.build();
    }

    DenseRows proto() {
      return proto;
    }
  }
}
