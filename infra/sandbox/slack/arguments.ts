import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import { mediaType } from '../http/body.ts'
import { SlackError } from './slack-error.ts'

export type Args = Readonly<Record<string, unknown>>

const COMPLEX = new Set(['blocks', 'attachments', 'metadata', 'view'])

/** A Web API call's arguments: form-encoded with complex ones as JSON strings, or a JSON body. */
export const readArguments = (request: IncomingMessage, body: string): Args => {
  if (body === '') return Object.fromEntries(new URL(request.url ?? '/', 'http://slack').searchParams)
  if (mediaType(request) === 'application/json') return readJson(body)
  const fields = [...new URLSearchParams(body)]
  return Object.fromEntries(
    fields.map(([name, value]) => [name, COMPLEX.has(name) ? readComplex(name, value) : value]),
  )
}

const readJson = (body: string): Args => {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(body))
  } catch {
    throw new SlackError('invalid_json')
  }
}

const readComplex = (name: string, value: string): unknown => {
  try {
    return JSON.parse(value)
  } catch {
    throw new SlackError(name === 'blocks' ? 'invalid_blocks_format' : 'invalid_arguments')
  }
}
