/**
 * How a process reaches the broker and who it is there; the same for services, command line and SDK. Plain data, so it can be handed to a
 * worker thread. One way to log in at most; what is set here wins over credentials in the address.
 */
export interface NatsSettings {
  /**
   * Address of the broker, or several of one cluster, as a list or separated by commas: `nats://`, or `tls://` where the connection must be
   * encrypted. Credentials may be part of it: `nats://user:password@host`, `nats://token@host`; percent-encode what is special in a URL.
   * Default `nats://127.0.0.1:4222`.
   */
  readonly servers?: string | readonly string[] | undefined
  /** User name, with `password` or `passwordFile`. */
  readonly user?: string | undefined
  readonly password?: string | undefined
  /** File that holds the password. Files of secrets are read at every connection: a replaced one counts from the next one on. */
  readonly passwordFile?: string | undefined
  readonly token?: string | undefined
  /** File that holds the token. */
  readonly tokenFile?: string | undefined
  /** Credentials file (`.creds`: a JWT and its seed), as its path or its text. */
  readonly credentials?: string | undefined
  /** Seed of an NKey: `SU…`. */
  readonly nkey?: string | undefined
  /** File that holds the seed of an NKey. */
  readonly nkeyFile?: string | undefined
  /** `true`, or any of its fields: the connection is refused when it cannot be encrypted. */
  readonly tls?: boolean | TlsSettings | undefined
  /** The names that errors use for these settings where they do not come from code; `natsSettingsFrom` sets it. Default: their names here. */
  readonly settingNames?: NatsNames | undefined
}

/** Each as a path, or as PEM text. */
export interface TlsSettings {
  /** Authorities that the broker's certificate is checked against, instead of those of Node.js. */
  readonly ca?: string | undefined
  /** Certificate that this process shows; with `key`. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** TLS before the first byte of NATS: for servers with `handshake_first`. Default false. */
  readonly handshakeFirst?: boolean | undefined
}

/** A secret, or where to read it. */
export type Secret = { readonly value: string } | { readonly file: string }

export type Login =
  | { readonly kind: 'none' }
  | { readonly kind: 'password'; readonly user: string; readonly password: Secret; readonly from: string }
  | { readonly kind: 'token'; readonly token: Secret; readonly from: string }
  | { readonly kind: 'credentials'; readonly credentials: Secret }
  | { readonly kind: 'nkey'; readonly seed: Secret }

/** Checked settings. Plain data as well. */
export interface NatsAccess {
  /** Addresses without credentials. */
  readonly servers: readonly string[]
  readonly login: Login
  readonly tls: TlsSettings | undefined
  readonly names: NatsNames
}

/** Fields of the settings, those of TLS by themselves. */
export type NatsField = Exclude<keyof NatsSettings, 'settingNames'> | 'ca' | 'cert' | 'key' | 'handshakeFirst'

/** The names that errors use, by field; a field without one is called by itself. */
export type NatsNames = Readonly<Partial<Record<NatsField, string>>>
