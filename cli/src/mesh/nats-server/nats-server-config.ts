import { join } from 'node:path'

export interface NatsServerConfigOptions {
  readonly dataDir: string
  readonly host: string
  readonly port: number
  readonly serverName: string
  readonly maxPayloadBytes: number
  /** Bytes of all streams. */
  readonly maxFileStoreBytes: number
  /** Further top-level lines, such as `authorization { … }`. */
  readonly configLines: readonly string[]
}

/** The files of one nats-server, all inside its data folder. */
export function natsServerFiles(dataDir: string): { config: string; log: string; pid: string } {
  return { config: join(dataDir, 'nats.conf'), log: join(dataDir, 'nats-server.log'), pid: join(dataDir, 'nats-server.pid') }
}

/** The text of `nats.conf`. */
export function natsServerConfig(options: NatsServerConfigOptions): string {
  const { dataDir, host, port, serverName, maxPayloadBytes, maxFileStoreBytes, configLines } = options
  const files = natsServerFiles(dataDir)
  return `# Written by \`carillon up\` at every start: changes made here are lost.
listen: ${quoted(host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)}
server_name: ${quoted(serverName)}
pid_file: ${quoted(files.pid)}

# The server keeps its log small by itself; panics come by stderr into the same file.
log_file: ${quoted(files.log)}
logfile_size_limit: 10MB
logfile_max_num: 2

max_payload: ${maxPayloadBytes}
# What may wait for one slow connection; a batch of a thousand runs is about 1 MB.
max_pending: 64MB
max_connections: 10000

jetstream {
  # The server adds a folder "jetstream" below it.
  store_dir: ${quoted(dataDir)}
  # Raised while the server runs, as the disk has more room. By default it would be three quarters of what is free at the start, for ever.
  max_file_store: ${maxFileStoreBytes}
  # Streams are files; memory is for the few that ask for it.
  max_memory_store: 256MB
  # A killed server loses nothing; a power cut loses what is newer than this. The default of two minutes is long for a
  # broker without replicas, "always" costs an fsync a message.
  sync_interval: "10s"
}
${configLines.map((line) => `${line}\n`).join('')}`
}

function quoted(text: string): string {
  return JSON.stringify(text)
}
