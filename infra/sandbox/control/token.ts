import type { Call } from './call.ts'
import { personField } from './fields.ts'

export const token: Call = {
  method: 'GET',
  path: '/token',
  takes: ['who'],
  does: "Prints an access token of somebody's, good for an hour.",
  example: { path: '/token?who=ana' },
  answer: async ({ idp }, fields) => {
    const person = personField(fields, 'who')
    const text = await idp.tokenFor(person)
    return { text, json: { who: person.name, token: text } }
  },
}
