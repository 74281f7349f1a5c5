/**
 * The functions that expressions may call, with how they are written. The library has more: those on bytes and unsigned numbers, which JSON has
 * none of; those that read the time zone of the process; and some that answer otherwise than CEL says.
 */
export const FUNCTIONS: Readonly<Record<string, string>> = {
  has: 'has(payload.a)',
  size: 'size(list), list.size()',
  all: 'list.all(x, condition)',
  exists: 'list.exists(x, condition)',
  exists_one: 'list.exists_one(x, condition)',
  filter: 'list.filter(x, condition)',
  map: 'list.map(x, value), list.map(x, condition, value)',
  contains: 'text.contains(part)',
  startsWith: 'text.startsWith(part)',
  endsWith: 'text.endsWith(part)',
  matches: "text.matches('pattern')",
  lowerAscii: 'text.lowerAscii()',
  upperAscii: 'text.upperAscii()',
  trim: 'text.trim()',
  substring: 'text.substring(start), text.substring(start, end)',
  indexOf: 'text.indexOf(part)',
  split: 'text.split(separator)',
  join: 'list.join(separator)',
  bool: 'bool(value)',
  double: 'double(value)',
  dyn: 'dyn(value)',
  int: 'int(value)',
  string: 'string(value)',
  timestamp: "timestamp('2030-01-31T09:00:00Z')",
  duration: "duration('90s')",
  getFullYear: 'time.getFullYear()',
  getMonth: 'time.getMonth()',
  getDate: 'time.getDate()',
  getDayOfMonth: 'time.getDayOfMonth()',
  getDayOfWeek: 'time.getDayOfWeek()',
  getHours: 'time.getHours()',
  getMinutes: 'time.getMinutes()',
  getSeconds: 'time.getSeconds()',
}

/** Those that take nothing: with a time zone, the library answers wrongly around clock changes. */
export const WITHOUT_ARGUMENTS = /^get[A-Z]/
