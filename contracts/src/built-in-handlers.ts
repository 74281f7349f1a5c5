import { HTTP_HANDLER } from './http-request.ts'

/** Handlers that come with Carillon, and what starts an executor that offers them. */
export const BUILT_IN_HANDLERS: ReadonlyMap<string, string> = new Map([
  [HTTP_HANDLER, 'carillon executor --http'],
  ['command', "carillon executor --command --allow 'rsync,/opt/scripts/*'"],
  ['sharding-demo', 'carillon executor --sharding-demo'],
])
