export { rangeOf } from '@carillon/wire/internal'
/** Handlers that anyone can offer, and their definitions for callers. */
export { AllowList } from './command/allow-list.ts'
export { commandHandler } from './command/command-definition.ts'
export { type CommandSettings, commandRunner } from './command/run-command.ts'
export { httpHandler } from './http/http-definition.ts'
export { HttpRequests, type HttpSettings } from './http/http-requests.ts'
export { Secrets } from './http/secrets.ts'
export { countShare, shardingDemo } from './sharding-demo/sharding-demo.ts'
