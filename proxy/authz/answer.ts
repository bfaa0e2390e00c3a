import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Reason, reasons } from '#access/domain/reasons.ts'
import type { Service } from '#access/domain/rule-set.ts'
import { problemLine, type RefusalFacts } from '../refuse.ts'
import type { Question } from './read-question.ts'

/**
 * Every header that may tell an application who asks, and goes with each yes: the one that we set, and those that we
 * never do, empty. A front proxy copies them over the client's own; Envoy would leave what was not answered.
 */
export const identityHeaders = [
  'X-Pagepass-Assertion',
  'X-Forwarded-User',
  'X-Forwarded-Email',
  'X-Forwarded-Groups',
  'X-Forwarded-Preferred-Username',
] as const

export const answerAllowed = (response: ServerResponse, assertion: string): void => {
  const headers = ['Content-Length', '0', 'Cache-Control', 'no-store']
  for (const name of identityHeaders) headers.push(name, name === 'X-Pagepass-Assertion' ? assertion : '')
  response.writeHead(200, headers)
  response.end()
}

/** nginx takes 401 and 403 from `auth_request`, and makes a 500 of every other refusal. */
export const statusFor = (reason: Reason, front: Question['front']): number => {
  const { status } = reasons[reason]
  return front !== 'nginx' || status === 401 ? status : 403
}

export const answerRefused = (
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  reason: Reason,
  service: Service | undefined,
  facts: RefusalFacts,
  command: string | undefined,
): void => {
  const body = problemLine(reason, status, service, facts, command)
  const headers = [
    'Content-Type',
    'application/problem+json; charset=utf-8',
    'Content-Length',
    String(Buffer.byteLength(body)),
    'Cache-Control',
    'no-store',
    'X-Pagepass-Reason',
    reason,
  ]
  if (status === 401) headers.push('WWW-Authenticate', 'Bearer')
  if (status === 429 || status === 503) headers.push('Retry-After', String(facts.retryAfter ?? 1))
  if (facts.rateLimit !== undefined)
    headers.push('RateLimit-Policy', facts.rateLimit.policy, 'RateLimit', facts.rateLimit.state)
  if (!request.complete || reason === 'front-unknown') headers.push('Connection', 'close')
  response.writeHead(status, headers)
  response.end(request.method === 'HEAD' ? undefined : body)
}
