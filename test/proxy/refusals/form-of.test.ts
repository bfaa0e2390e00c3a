import { describe, expect, test } from 'vitest'
import { formOf } from '#proxy/refusals/form-of.ts'

const firefox = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'
const chromium = `text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8`
const axios = 'application/json, text/plain, */*'

describe('A refusal is told as', () => {
  test.each<[string, string | undefined, string | undefined, string]>([
    ['page to Firefox', firefox, 'Mozilla/5.0 Firefox/140.0', 'page'],
    ['page to Chromium', chromium, 'Mozilla/5.0 Chrome/150.0', 'page'],
    ['page to whoever names HTML first', 'TEXT/HTML', undefined, 'page'],
    ['page to a curl that asks for it', 'text/html', 'curl/8.5.0', 'page'],
    ['line to curl', '*/*', 'curl/8.5.0', 'line'],
    ['line to wget', '*/*', 'Wget/1.21', 'line'],
    ['line to HTTPie', '*/*', 'HTTPie/3.2.2', 'line'],
    ['line to a curl that says nothing', undefined, 'curl/8.5.0', 'line'],
    ['problem to a curl that asks for it', 'application/json', 'curl/8.5.0', 'problem'],
    ['problem to fetch', '*/*', 'node', 'problem'],
    ['problem to axios', axios, 'axios/1.7', 'problem'],
    ['problem to a browser’s fetch', '*/*', 'Mozilla/5.0 curl/8', 'problem'],
    ['problem to whoever says nothing', undefined, undefined, 'problem'],
    ['problem where both are liked the same', 'text/html, application/json', undefined, 'problem'],
    ['problem where it is liked better', 'text/html;q=0.5, application/problem+json', undefined, 'problem'],
    ['problem where HTML is refused', 'text/html;q=0, */*', undefined, 'problem'],
    ['problem where a quality is none', 'text/html;q=high', undefined, 'problem'],
    ['problem for something that only looks like it', 'text/html-sandboxed', undefined, 'problem'],
    ['page whatever else is in the parameters', 'text/html;charset=utf-8;q=0.9', undefined, 'page'],
  ])('%s', (_, accept, agent, form) => {
    const headers = [
      ...(accept === undefined ? [] : ['ACCEPT', accept]),
      ...(agent === undefined ? [] : ['user-agent', agent]),
      'Cookie',
      'text/html',
    ]
    expect(formOf(headers)).toBe(form)
  })

  test('page where it is named in the second of two headers', () => {
    expect(formOf(['Accept', 'image/png', 'accept', 'text/html'])).toBe('page')
  })
})
