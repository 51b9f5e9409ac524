// The code of the README, and versions in step.
package io.github.stubtail;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ReadmeTest {
  @TempDir private Path folder;

  /** The Java of README.md is compiled as it stands there and run against a real server. */
  @Test
  void theCodeOfTheReadmeRuns() throws Exception {
    Matcher block =
        Pattern.compile("```java\n(.*?)```", Pattern.DOTALL)
            .matcher(Files.readString(Path.of("README.md")));
    assertTrue(block.find(), "no block of Java in README.md");
    String code =
        block
            .group(1)
            .replace("127.0.0.1:8500", RealServer.target())
            .replace("ofSeconds(2)", "ofMinutes(1)"); // on a busy machine
    Path source = Files.writeString(folder.resolve("Example.java"), code);
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    String classPath = System.getProperty("java.class.path");
    int status =
        ToolProvider.getSystemJavaCompiler()
            .run(null, said, said, "-Xlint:all", "-Werror", "-cp", classPath, source.toString());
    assertEquals(0, status, said.toString());
    Process run =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                classPath + java.io.File.pathSeparator + folder,
                "Example")
            .redirectErrorStream(true)
            .start();
    String printed = new String(run.getInputStream().readAllBytes());
    assertEquals(0, run.waitFor(), printed);
    assertTrue(printed.matches("0\\.\\d+ leave \\d+\\R"), printed);
  }

  @Test
  void theVersionsAreInStep() throws Exception {
    String pom = Files.readString(Path.of("pom.xml"));
    assertTrue(pom.contains("<version>" + Version.VERSION + "</version>"), Version.VERSION);
    String project = Files.readString(Path.of("../../server/stubtail/__init__.py"));
    assertTrue(
        project.contains("__version__ = \"" + Version.VERSION + "\""), "not that of the server");
  }
}
