import { z } from 'zod'
import { createRest, PagerDutyFault } from './rest.ts'

const abilitiesShape = z.object({ abilities: z.array(z.string()) })
const usersShape = z.object({ users: z.array(z.object({ email: z.string() })) })

/** The account that a token opens (https://developer.pagerduty.com/api-reference). Both reject with a `PagerDutyFault`. */
export const createAccount = (baseUrl: string, token: string) => {
  const { get } = createRest(baseUrl, token)
  const read = async <T extends z.ZodType>(path: string, shape: T): Promise<z.output<T>> => {
    const found = await get(path, shape)
    if (found === undefined)
      throw new PagerDutyFault(`PagerDuty answered 404 to GET ${path}`, { status: 404 })
    return found
  }
  return {
    /** What the account's plan allows: GET /abilities, which every token may read. */
    abilities: async (): Promise<readonly string[]> => (await read('/abilities', abilitiesShape)).abilities,
    /** Whether a user has this e-mail: GET /users, whose `query` also finds what is only alike. */
    hasUser: async (email: string): Promise<boolean> => {
      const { users } = await read(`/users?limit=100&query=${encodeURIComponent(email)}`, usersShape)
      return users.some((user) => user.email.toLowerCase() === email.toLowerCase())
    },
  }
}
export type Account = ReturnType<typeof createAccount>
