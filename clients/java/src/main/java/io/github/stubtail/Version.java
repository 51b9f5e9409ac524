// The version of the stubtail release that this client belongs to.
package io.github.stubtail;

/** The version of the stubtail release that this client belongs to. */
public final class Version {
  /** As in pom.xml and pyproject.toml. */
  public static final String VERSION = "0.1.0";

  private Version() {}
}
