import type { Reason } from '#access/domain/reasons.ts'
import type { Exchange } from '../exchange.ts'
import { mayAsk } from '../session/own-page.ts'
import { clientSideOf } from './client-side.ts'

/** What a browser says of where a request comes from, and the credential that may not come with our cookie. */
const telling = new Set([
  'sec-fetch-site',
  'sec-fetch-mode',
  'sec-fetch-dest',
  'sec-fetch-user',
  'sec-purpose',
  'origin',
  'x-pagepass-authorization',
])
/** Most names need not even be lower-cased. */
const lengths = new Set([...telling].map(({ length }) => length))

/**
 * A browser sends our cookie with whatever any page makes it ask for, so what comes with one has to come from the host's
 * own pages. A token beside it is refused even where both are of one person: they differ in when and how that person
 * signed in, and a token would free the request from what is demanded here.
 */
export const readOrigin = (exchange: Exchange): Reason | undefined => {
  const { request, token, method, host } = exchange
  if (token !== '') return 'headers-ambiguous'
  const { rawHeaders } = request
  const told = new Map<string, string>()
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (!lengths.has((rawHeaders[index] as string).length)) continue
    const name = (rawHeaders[index] as string).toLowerCase()
    if (!telling.has(name)) continue
    if (told.has(name)) return 'headers-ambiguous'
    told.set(name, rawHeaders[index + 1] as string)
  }
  if (told.has('x-pagepass-authorization')) return 'headers-ambiguous'
  const asked = {
    method,
    site: told.get('sec-fetch-site'),
    mode: told.get('sec-fetch-mode'),
    dest: told.get('sec-fetch-dest'),
    user: told.get('sec-fetch-user'),
    purpose: told.get('sec-purpose'),
    origin: told.get('origin'),
  }
  return mayAsk(asked, clientSideOf(request.socket, host).origin) ? undefined : 'origin-foreign'
}
