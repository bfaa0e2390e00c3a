import { recipes } from './contenders.ts'
import { oneGrant } from './proxy-figures.ts'
import { askedFor } from './rule-set.ts'

/** What every contender is asked for, and how. */
export const connections = 64
export const services = 1_000
export const host = `${askedFor}.localhost`
export const path = '/v1/orders'

export const contenderNames: readonly string[] = [...Object.keys(recipes), 'pagepass', oneGrant]
