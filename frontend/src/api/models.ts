import { api, keyHeader, type ModelDetail } from "./client";
import { asTrouble, trouble, troubleOf } from "./trouble";

/** Class tables and figures of the models that serve, the default one first. Throws a TroubleError. */
export async function fetchModels(key: string, signal?: AbortSignal): Promise<ModelDetail[]> {
  try {
    const { data, error, response } = await api.GET("/api/models/", { headers: keyHeader(key), signal });
    if (!data) throw troubleOf(response, error, { key });
    if (!Array.isArray(data)) throw trouble("unexpected_answer");
    if (data.length === 0) throw troubleOf(response, { type: "not_ready" }, { key });
    const names = [...data]
      .sort((one, other) => Number(other.default) - Number(one.default))
      .map(({ name }) => name);
    return await Promise.all(names.map((name) => fetchModel(name, key, signal)));
  } catch (error) {
    throw asTrouble(error, { key });
  }
}

/** One of them. Throws a TroubleError. */
export async function fetchModel(name: string, key: string, signal?: AbortSignal): Promise<ModelDetail> {
  const options = { params: { path: { name } }, headers: keyHeader(key), signal };
  try {
    const { data, error, response } = await api.GET("/api/models/{name}/", options);
    if (!data) throw troubleOf(response, error, { key });
    return data;
  } catch (error) {
    throw asTrouble(error, { key });
  }
}
