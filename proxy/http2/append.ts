import type { OutgoingHttpHeaders } from 'node:http2'

/** Adds a field to those that Node is handed, where what is repeated is a list. */
export const append = (fields: OutgoingHttpHeaders, name: string, value: string): void => {
  const before = fields[name]
  if (before === undefined) fields[name] = value
  else if (Array.isArray(before)) before.push(value)
  else fields[name] = [String(before), value]
}
