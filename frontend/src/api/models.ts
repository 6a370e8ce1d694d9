import { api, keyHeader, type ModelDetail } from "./client";
import { asTrouble, troubleOf } from "./trouble";

/** The class table and figures of the model that serves by default. Throws a TroubleError. */
export async function defaultModel(key: string, signal?: AbortSignal): Promise<ModelDetail> {
  const headers = keyHeader(key);
  try {
    const list = await api.GET("/api/models/", { headers, signal });
    if (!list.data) throw troubleOf(list.response, list.error, { key });
    const name = (list.data.find((model) => model.default) ?? list.data[0])?.name;
    if (name === undefined) throw troubleOf(list.response, { type: "not_ready" }, { key });
    const detail = await api.GET("/api/models/{name}/", { params: { path: { name } }, headers, signal });
    if (!detail.data) throw troubleOf(detail.response, detail.error, { key });
    return detail.data;
  } catch (error) {
    throw asTrouble(error, { key });
  }
}
