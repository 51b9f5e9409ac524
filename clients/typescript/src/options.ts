/** What a client is made with, and how gRPC hears of it. */
import type { ChannelOptions } from "@grpc/grpc-js";
import { type TlsFiles, isLoopback } from "./credentials.js";
import { VERSION } from "./version.js";

const TIMEOUT_MS = 1000;
const CHAT_TIMEOUT_MS = 60_000;
const TIMEOUT_MAX_MS = 24 * 3600 * 1000; // a call that nobody will wait for is a leak
const CONNECTIONS_MAX = 256;
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;
const MESSAGE_BYTES_MIN = 1024;
// Above the 10 s that the server demands between pings, and none without a call.
const KEEPALIVE_MS = 30_000;
const KEEPALIVE_TIMEOUT_MS = 10_000;
// gRPC would wait for 1 s before it connects again, as long as a whole call may take here.
const RECONNECT_FIRST_MS = 100;
const RECONNECT_MAX_MS = 2000;
// gRPC waits 30 s before it looks a name up again, though no address answers.
const LOOK_UP_MS = 5000;
// The addresses of a name take turns; one address alone makes no difference.
const SERVICE_CONFIG = JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] });

/** What a client is made with; all of it is optional. */
export interface ClientOptions {
  /**
   * For calls that name no time, ms: 1,000 where it is not given, 60,000 for language models, which it
   * bounds too. There is no way to wait for ever.
   */
  readonly timeoutMs?: number;
  /**
   * So many connections to each address, which take turns; 1 where it is not given. The kernel gives each
   * connection to one worker of the server: use at least as many as it has workers.
   */
  readonly connections?: number;
  /**
   * Makes a unary call a second time when it has not been answered for so long, on the next connection,
   * and takes the first good answer. At most a tenth of the calls; never those of language models. A good
   * time is the p95 of the calls.
   */
  readonly hedgeAfterMs?: number;
  /** Bounds a request and a reply, 64 MiB where it is not given. The server has a bound of its own. */
  readonly messageBytesMax?: number;
  /**
   * Fails calls at once while the server cannot be reached. Without it they wait for a connection until
   * their deadline, which rides over a restart of the server.
   */
  readonly failFast?: boolean;
  /** Encrypts; `{}` with the authorities that Node knows. */
  readonly tls?: TlsFiles;
  /**
   * Sends the key or token in a file with every call. The file is read again when it is older than a
   * second. It is not sent in the clear but to this machine.
   */
  readonly tokenFile?: string;
  /** Goes with every call. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Options of grpc-js; they come last and win. */
  readonly channel?: ChannelOptions;
}

/** The options with everything decided. */
export interface Settings extends ClientOptions {
  readonly timeoutMs: number;
  readonly chatTimeoutMs: number;
  readonly connections: number;
}

/**
 * Checks options and decides what they leave open.
 *
 * @throws RangeError where a number is out of its bounds
 */
export function settle(target: string, options: ClientOptions): Settings {
  const { timeoutMs, connections = 1, hedgeAfterMs, messageBytesMax } = options;
  if (timeoutMs !== undefined) {
    checkTimeout(timeoutMs);
  }
  if (!(Number.isInteger(connections) && connections >= 1 && connections <= CONNECTIONS_MAX)) {
    throw new RangeError(`connections are 1 to ${CONNECTIONS_MAX}, not ${connections}`);
  }
  // Node takes a time that no timer can have for 1 ms, and then every call would be made twice.
  if (hedgeAfterMs !== undefined && !(hedgeAfterMs > 0 && hedgeAfterMs <= TIMEOUT_MAX_MS)) {
    throw new RangeError(
      `hedgeAfterMs is above 0 and at most ${TIMEOUT_MAX_MS}, not ${hedgeAfterMs}`,
    );
  }
  if (messageBytesMax !== undefined && !(messageBytesMax >= MESSAGE_BYTES_MIN)) {
    throw new RangeError(
      `messageBytesMax is at least ${MESSAGE_BYTES_MIN}, not ${messageBytesMax}`,
    );
  }
  if (options.tokenFile !== undefined && options.tls === undefined && !isLoopback(target)) {
    throw new RangeError(`a token is not sent to ${target} in the clear; give tls`);
  }
  // Else grpc-js asks the system's resolver, whatever the target says.
  if (
    /^dns:\/\/[^/]/.test(target) &&
    process.env["GRPC_NODE_USE_ALTERNATIVE_RESOLVER"] !== "true"
  ) {
    throw new RangeError(
      `${target} names a name server, which needs GRPC_NODE_USE_ALTERNATIVE_RESOLVER=true; or dns:///name:port`,
    );
  }
  return {
    ...options,
    connections,
    timeoutMs: timeoutMs ?? TIMEOUT_MS,
    chatTimeoutMs: timeoutMs ?? CHAT_TIMEOUT_MS,
  };
}

/**
 * Refuses a time of a call that is no time.
 *
 * @throws RangeError where it is not above 0, or above a day
 */
export function checkTimeout(timeoutMs: number): void {
  if (!(timeoutMs > 0 && timeoutMs <= TIMEOUT_MAX_MS)) {
    throw new RangeError(`timeoutMs is above 0 and at most ${TIMEOUT_MAX_MS}, not ${timeoutMs}`);
  }
}

/** The settings as grpc-js takes them. */
export function channelOptions(target: string, settings: Settings): ChannelOptions {
  const bytes = settings.messageBytesMax ?? MESSAGE_BYTES_MAX;
  const serverName = settings.tls?.serverName;
  return {
    "grpc.service_config": SERVICE_CONFIG,
    "grpc.service_config_disable_resolution": 1,
    "grpc.enable_retries": 0, // of gRPC's own policy; what never left this process still is sent again
    "grpc.use_local_subchannel_pool": 1, // else all connections to an address would be one
    "grpc.primary_user_agent": `stubtail-typescript/${VERSION}`,
    "grpc.keepalive_time_ms": KEEPALIVE_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    "grpc.keepalive_permit_without_calls": 0,
    "grpc.initial_reconnect_backoff_ms": RECONNECT_FIRST_MS,
    "grpc.max_reconnect_backoff_ms": RECONNECT_MAX_MS,
    "grpc.dns_min_time_between_resolutions_ms": LOOK_UP_MS,
    "grpc.max_receive_message_length": bytes,
    "grpc.max_send_message_length": bytes,
    ...(isLoopback(target) ? { "grpc.enable_http_proxy": 0 } : {}),
    ...(serverName === undefined
      ? {}
      : { "grpc.ssl_target_name_override": serverName, "grpc.default_authority": serverName }),
    ...settings.channel,
  };
}
