/** Who we are and whom we believe: certificates and tokens from files, read again when they change. */
import { readFileSync, statSync } from "node:fs";
import { isIP } from "node:net";
import { type ChannelCredentials, credentials } from "@grpc/grpc-js";

// How old a token or a look at the files of certificates may be; files are exchanged rarely.
const RELOAD_MS = 1000;
const SCHEMES = ["dns:///", "dns:", "ipv4:", "ipv6:"];

/** Files in PEM form; all of them are optional. */
export interface TlsFiles {
  /** The authorities that the server's certificate may come from; those that Node knows where it is not given. */
  readonly caFile?: string;
  /** The client's own certificate, for servers that demand one; with `keyFile`. */
  readonly certFile?: string;
  readonly keyFile?: string;
  /** The name in the server's certificate, where it is not that of the target. */
  readonly serverName?: string;
}

/** The `authorization` of calls, from a file. */
export class TokenFile {
  private value = "";
  private readMs = Number.NEGATIVE_INFINITY;

  /** @throws Error where the file cannot be read or is empty */
  constructor(private readonly path: string) {
    this.authorization(0);
  }

  /** The header as of now; synchronous, as it is read once a second at most and a few bytes long. */
  authorization(nowMs: number): string {
    if (nowMs - this.readMs < RELOAD_MS) {
      return this.value;
    }
    let token = "";
    try {
      token = readFileSync(this.path, "utf8").trim();
    } catch (error) {
      if (this.value === "") {
        throw new Error(`token: ${this.path} cannot be read`, { cause: error });
      }
    }
    // While a file is being replaced the old token counts until the server refuses it.
    if (token !== "") {
      this.value = `Bearer ${token}`;
    } else if (this.value === "") {
      throw new Error(`token: ${this.path} is empty`);
    }
    this.readMs = nowMs;
    return this.value;
  }
}

/** The certificates of a client; tells when new connections should be made with other ones. */
export class Certificates {
  private readonly paths: readonly string[];
  private state: string;
  private lookedMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly files: TlsFiles) {
    if ((files.certFile === undefined) !== (files.keyFile === undefined)) {
      throw new RangeError("certFile and keyFile come together");
    }
    this.paths = [files.caFile, files.certFile, files.keyFile].filter((one) => one !== undefined);
    this.state = this.look();
  }

  /** Whether a file is another one than at the last reading; looks once a second at most. */
  changed(nowMs: number): boolean {
    if (this.paths.length === 0 || nowMs - this.lookedMs < RELOAD_MS) {
      return false;
    }
    this.lookedMs = nowMs;
    return this.look() !== this.state;
  }

  /**
   * Reads all files.
   *
   * @throws Error where one is missing or is no PEM, or key and certificate do not belong together
   */
  read(): ChannelCredentials {
    const { caFile, certFile, keyFile } = this.files;
    const state = this.look();
    const [ca, cert, key] = [caFile, certFile, keyFile].map((path) => {
      if (path === undefined) {
        return null;
      }
      const pem = readFileSync(path);
      if (!pem.includes("-----BEGIN ")) {
        throw new Error(`${path} has nothing in PEM form`);
      }
      return pem;
    });
    const read = credentials.createSsl(ca, key, cert);
    this.state = state;
    return read;
  }

  private look(): string {
    return this.paths
      .map((path) => {
        const found = statSync(path, { throwIfNoEntry: false });
        return found ? `${found.mtimeMs}/${found.size}/${found.ino}` : "";
      })
      .join();
  }
}

/** Whether a target is this machine's own by its looks; nothing is resolved. */
export function isLoopback(target: string): boolean {
  if (target.startsWith("unix:") || target.startsWith("unix-abstract:")) {
    return true;
  }
  const scheme = SCHEMES.find((one) => target.startsWith(one)) ?? "";
  const address = target.slice(scheme.length);
  const bracketed = /^\[(.*)\](?::\d+)?$/.exec(address);
  const host = bracketed?.[1] ?? (isIP(address) ? address : address.replace(/:\d+$/, ""));
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
