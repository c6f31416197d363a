# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendering of the service: what is set, what is left to the presets, and what is refused."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._proof import plan as proof_plan
from ansible_collections.llmd.openshift.plugins.module_utils._serving import build, dialects, picker, render
from ansible_collections.llmd.openshift.plugins.module_utils._serving.wish import DISAGGREGATION, OFFLOAD, WIDE, Refused

from .wishes import EXPERTS, GIB, NODES, PRESETS, RELEASES, declared, main, of_path, service, variables, wish


def arguments(template: dict[str, Any]) -> list[str]:
    """What vLLM gets after the preset's shell has evaluated the variable once."""
    return shlex.split(variables(template).get("VLLM_ADDITIONAL_ARGS", ""))


def transfer(template: dict[str, Any]) -> dict[str, Any]:
    words = arguments(template)
    return json.loads(words[words.index("--kv-transfer-config") + 1])


# ---- every path ----


@pytest.mark.parametrize("release", RELEASES)
def test_arguments_survive_one_shell_evaluation_and_never_replace_the_presets_script(release: str) -> None:
    words = ["--chat-template-kwargs", '{"a": "it\'s $HOME"}']
    template = service(release=release, vllm_args=words)["spec"]["template"]
    assert "args" not in main(template) and "command" not in main(template)
    assert arguments(template) == words


@pytest.mark.parametrize("word", ["--tensor-parallel-size=4", "--tensor_parallel_size", "-tp", "--kv-transfer-config", "--port=80", "--kv_transfer_config.kv_role"])
def test_arguments_that_an_option_stands_for_are_refused(word: str) -> None:
    with pytest.raises(Refused, match=rf"llmd_vllm_args: {word} can't be given here"):
        render.objects(wish(vllm_args=[word]))


def test_several_gpus_mean_tensor_parallelism() -> None:
    template = service(gpus_per_replica=4)["spec"]["template"]
    assert arguments(template) == ["--tensor-parallel-size=4"]
    assert main(template)["resources"]["limits"]["nvidia.com/gpu"] == "4"


def test_loading_may_take_eighty_minutes_before_a_server_counts_as_dead() -> None:
    for release in RELEASES:
        probe = main(service(release=release)["spec"]["template"])["startupProbe"]
        assert probe["periodSeconds"] * probe["failureThreshold"] == 4800 and probe["httpGet"]["scheme"] == "HTTPS"


@pytest.mark.parametrize("uri", ["pvc://models/qwen", "oci://registry.example.com/qwen:1"])
def test_models_that_are_not_downloaded_need_no_volume(uri: str) -> None:
    assert "volumes" not in service(model_uri=uri, model_name="qwen")["spec"]["template"]


def test_no_storage_class_leaves_the_volume_to_kserve() -> None:
    assert "volumes" not in service(storage_class=None)["spec"]["template"]


def test_credentials_come_by_an_account_that_names_the_secret() -> None:
    account, _policy, llm = render.objects(wish(model_credentials_secret="hf-token"))
    assert account["kind"] == "ServiceAccount" and account["secrets"] == [{"name": "hf-token"}]
    assert llm["spec"]["template"]["serviceAccountName"] == account["metadata"]["name"] == "llmd-model"


def test_auth_off_is_written_out() -> None:
    assert service(auth=False)["metadata"]["annotations"] == {"security.opendatahub.io/enable-auth": "false"}


def test_a_release_that_lets_everybody_in_is_refused_where_authentication_is_declared() -> None:
    with pytest.raises(Refused, match=r"llmd_auth: RHOAI 2\.25 can't ask for a token.*llmd_release 3\.0, 3\.2, 3\.3, 3\.4, or declare llmd_auth: false"):
        service(release="2.25", auth=True)
    assert service(release="2.25", auth=False)["metadata"]["annotations"] == {"security.opendatahub.io/enable-auth": "false"}


def test_the_network_policy_names_its_sources_and_only_the_service() -> None:
    policy = next(one for one in render.objects(wish(service_name="qwen")) if one["kind"] == "NetworkPolicy")
    assert policy["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/name"] == "qwen"
    (rule,) = policy["spec"]["ingress"]
    names = [one["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for one in rule["from"] if "namespaceSelector" in one]
    assert names == ["openshift-ingress", "openshift-monitoring", "openshift-user-workload-monitoring"]
    assert {"podSelector": {}} in rule["from"]


def test_an_unknown_release_is_refused_with_the_known_ones() -> None:
    with pytest.raises(dialects.UnknownRelease, match=r"RHOAI 9\.9.*2\.25, 3\.0, 3\.2, 3\.3, 3\.4"):
        dialects.of_release("9.9")


# ---- AMD ----


def test_amd_takes_the_preset_that_the_cluster_has() -> None:
    assert service("amd.com/gpu", presets=PRESETS)["spec"]["baseRefs"] == [{"name": "v3-3-6-kserve-config-llm-template-amd-rocm"}]


def test_amd_without_its_preset_is_refused() -> None:
    with pytest.raises(Refused, match="amd-rocm, and without it the model servers would get NVIDIA's image"):
        service("amd.com/gpu", presets=PRESETS[:1])


@pytest.mark.parametrize("release", ["2.25", "3.0"])
def test_amd_before_its_preset_takes_the_operators_image(release: str) -> None:
    image = "registry.redhat.io/rhaiis/vllm-rocm-rhel9@sha256:aa"
    made = service("amd.com/gpu", release=release, images=[image, "registry.redhat.io/rhaiis/vllm-cuda-rhel9@sha256:bb"])
    assert main(made["spec"]["template"])["image"] == image and "baseRefs" not in made["spec"]
    with pytest.raises(Refused, match="lists no vllm-rocm image"):
        service("amd.com/gpu", release=release)


@pytest.mark.parametrize("path", [DISAGGREGATION, WIDE])
def test_amd_has_no_presets_for_the_other_paths(path: str) -> None:
    with pytest.raises(Refused, match="no release has presets for AMD"):
        render.objects(of_path(path, gpu_resource="amd.com/gpu", presets=PRESETS))


# ---- precise prefix routing ----


def test_picker_and_servers_cut_and_hash_prompts_alike() -> None:
    made = service(prefix_routing="precise", presets=PRESETS, service_name="qwen")
    picker_args = main(made["spec"]["router"]["scheduler"]["template"])["args"]
    assert picker_args[:-2] == PRESETS[2]["spec"]["router"]["scheduler"]["template"]["containers"][0]["args"], "the preset's own arguments stay"
    assert picker_args[-2] == "--config-text"
    plugin = next(one for one in json.loads(picker_args[-1])["plugins"] if one["type"] == "precise-prefix-cache-scorer")
    tokens = plugin["parameters"]["indexerConfig"]["tokenProcessorConfig"]
    words, env = arguments(made["spec"]["template"]), variables(made["spec"]["template"])
    assert f"--block-size={tokens['blockSize']}" in words and env["PYTHONHASHSEED"] == tokens["hashSeed"]
    events = json.loads(words[words.index("--kv-events-config") + 1])
    assert events["endpoint"] == "tcp://qwen-epp-service:5557" and events["topic"] == "kv@$(POD_IP)@Qwen/Qwen2.5-7B-Instruct"
    assert list(env)[0] == "POD_IP", "a variable stands before those that name it"


def test_every_plugin_of_a_profile_is_declared() -> None:
    for release in ("3.3", "3.4"):
        scheduler = service(release=release, prefix_routing="precise", presets=PRESETS)["spec"]["router"]["scheduler"]
        config = scheduler["config"]["inline"] if release == "3.4" else json.loads(main(scheduler["template"])["args"][-1])
        known = {one["type"] for one in config["plugins"]}
        assert {one["pluginRef"] for profile in config["schedulingProfiles"] for one in profile["plugins"]} <= known


@pytest.mark.parametrize("release", ["2.25", "3.0", "3.2"])
def test_releases_without_a_port_for_events_refuse_it(release: str) -> None:
    with pytest.raises(Refused, match=r"can't route by precise prefixes.*Choose llmd_release 3\.3, 3\.4"):
        render.sketch(wish(release=release, prefix_routing="precise"))


def test_precise_routing_goes_with_scheduling_only() -> None:
    with pytest.raises(Refused, match="goes with inference_scheduling only"):
        picker.able(of_path(DISAGGREGATION, prefix_routing="precise"))


# ---- prefill and decode ----


def pd(**options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    spec = render.service(of_path(DISAGGREGATION, **options))["spec"]
    return spec["template"], spec["prefill"]["template"]


def test_both_pools_have_the_same_parallelism_and_connector() -> None:
    decode, prefill = pd(gpus_per_replica=4, vllm_args=["--block-size=128"], prefill_vllm_args=["--enforce-eager"])
    assert arguments(prefill) == [*arguments(decode), "--enforce-eager"]
    assert arguments(decode)[0] == "--tensor-parallel-size=4" and "--block-size=128" in arguments(decode)
    assert main(decode)["resources"] == main(prefill)["resources"]


@pytest.mark.parametrize(("release", "policy"), [("2.25", None), ("3.0", None), ("3.2", None), ("3.3", "fail"), ("3.4", "fail")])
def test_a_lost_transfer_fails_the_request_where_vllm_knows_the_setting(release: str, policy: str | None) -> None:
    for template in pd(release=release):
        assert transfer(template).get("kv_load_failure_policy") == policy
        assert transfer(template)["kv_connector"] == "NixlConnector"


def test_each_server_names_its_own_address_and_a_port_that_no_picker_listens_on() -> None:
    for template in pd():
        env = variables(template)
        assert env["VLLM_NIXL_SIDE_CHANNEL_HOST"] == {"fieldRef": {"fieldPath": "status.podIP"}} and env["VLLM_NIXL_SIDE_CHANNEL_PORT"] == "5600"


def test_rdma_or_nothing_with_a_fabric_and_whatever_there_is_without() -> None:
    decode, _prefill = pd()
    assert "tcp" not in variables(decode)["UCX_TLS"] and variables(decode)["UCX_NET_DEVICES"] == "mlx5_0:1"
    assert main(decode)["resources"]["limits"]["openshift.io/llmdrail0"] == "1"
    assert main(decode)["securityContext"]["capabilities"]["add"] == ["IPC_LOCK"]
    bare, _prefill = pd(fabric=False)
    assert "UCX_TLS" not in variables(bare) and "securityContext" not in main(bare) and "serviceAccountName" not in bare


def test_the_fabrics_variables_win() -> None:
    made = build.wish(declared(path=DISAGGREGATION), "nvidia.com/gpu", [], fabric={"pod": {"resources": {"rdma/x": "1"}, "env": [{"name": "UCX_TLS", "value": "rc_x"}]}})
    env = main(render.service(made)["spec"]["template"])["env"]
    assert [row["value"] for row in env if row["name"] == "UCX_TLS"] == ["rc_x"]


def test_the_pools_never_share_a_node() -> None:
    decode, prefill = pd()
    for template, other in ((decode, "llminferenceservice-workload-prefill"), (prefill, "llminferenceservice-workload")):
        (term,) = template["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        assert term["labelSelector"]["matchLabels"]["app.kubernetes.io/component"] == other and term["topologyKey"] == "kubernetes.io/hostname"


def test_capabilities_bring_the_scc_to_the_pods_account_and_the_networks_reach_the_pods() -> None:
    objects = {one["kind"]: one for one in render.objects(of_path(DISAGGREGATION))}
    binding = objects["RoleBinding"]
    assert binding["roleRef"]["name"] == "openshift-ai-llminferenceservice-scc"
    assert binding["subjects"][0]["name"] == objects["ServiceAccount"]["metadata"]["name"] == objects["LLMInferenceService"]["spec"]["template"]["serviceAccountName"]
    assert objects["LLMInferenceService"]["metadata"]["annotations"]["k8s.v1.cni.cncf.io/networks"] == "llmd-rail-0"


def test_what_another_path_left_is_named() -> None:
    left = wish()
    assert [one["kind"] for one in render.leftovers(left, render.objects(left))] == ["ServiceAccount", "RoleBinding"]
    full = of_path(DISAGGREGATION)
    assert render.leftovers(full, render.objects(full)) == []


# ---- offload ----


def test_the_size_is_given_as_the_vllm_of_the_release_wants_it() -> None:
    assert transfer(service(release="3.4", path=OFFLOAD, kv_offload_gib=100)["spec"]["template"])["kv_connector_extra_config"] == {"cpu_bytes_to_use": 100 * GIB}
    # Qwen2.5-7B: 2 x 28 layers x 4 heads x 128 x 2 bytes = 57344 bytes a token, 16 tokens a block.
    extra = transfer(service(release="3.3", path=OFFLOAD, kv_offload_gib=100)["spec"]["template"])["kv_connector_extra_config"]
    assert extra == {"num_cpu_blocks": 100 * GIB // (57344 * 16)}


def test_blocks_follow_the_block_size_and_the_parts_of_each_gpu() -> None:
    made = service(release="3.3", path=OFFLOAD, kv_offload_gib=100, gpus_per_replica=8, vllm_args=["--block-size", "64"])
    # Eight GPUs, four heads: each GPU keeps a whole head, so the replica keeps each of them twice.
    assert transfer(made["spec"]["template"])["kv_connector_extra_config"] == {"num_cpu_blocks": 100 * GIB // (57344 * 64 * 2)}


def test_a_model_of_unknown_shape_needs_its_config_for_blocks_only() -> None:
    unknown = {"path": OFFLOAD, "model_uri": "hf://example/unheard-of", "kv_offload_gib": 10}
    with pytest.raises(Refused, match="how many bytes a block of example/unheard-of takes isn't known. Declare its config.json as llmd_model_config"):
        service(release="3.3", **unknown)
    assert service(release="3.4", **unknown)


def test_the_cache_is_memory_beside_the_servers_own() -> None:
    assert main(service(path=OFFLOAD, kv_offload_gib=100)["spec"]["template"])["resources"]["limits"]["memory"] == "132Gi"


def test_without_a_size_half_of_what_the_node_has_for_the_gpus_is_taken() -> None:
    # 2048 GiB for 8 GPUs: 256 a GPU, of which 128 for the pod.
    assert main(service(path=OFFLOAD)["spec"]["template"])["resources"]["limits"]["memory"] == "128Gi"


@pytest.mark.parametrize("nodes", [[], [{"name": "gpu-0", "accelerators": {"count": 8}, "memory_bytes": None}]])
def test_unknown_memory_is_no_size(nodes: list[dict[str, Any]]) -> None:
    with pytest.raises(Refused, match="memory of the nodes isn't known.*Declare llmd_kv_offload_gib"):
        service(path=OFFLOAD, nodes=nodes)


def test_too_little_memory_is_said_with_the_numbers() -> None:
    with pytest.raises(Refused, match="64Gi a server, of which 32 GiB are its own"):
        service(path=OFFLOAD, nodes=[{**NODES[0], "memory_bytes": 512 * GIB}])


# ---- groups ----


def test_a_group_takes_whole_nodes() -> None:
    spec = render.service(of_path(WIDE))["spec"]
    assert spec["parallelism"] == {"data": 16, "dataLocal": 8, "expert": True, "tensor": 1} and spec["replicas"] == 1
    for part in ("template", "worker"):
        limits = main(spec[part])["resources"]["limits"]
        assert limits["nvidia.com/gpu"] == "8" and limits["cpu"] == "32" and limits["memory"] == "256Gi"
    assert "startupProbe" not in main(spec["worker"]), "followers answer nobody"


def test_sizes_follow_the_declaration() -> None:
    spec = render.service(of_path(WIDE, groups=2, group_nodes=4, group_gpus_per_node=4, gpus_per_replica=2))["spec"]
    assert spec["parallelism"] == {"data": 8, "dataLocal": 2, "expert": True, "tensor": 2} and spec["replicas"] == 2


def test_within_one_node_there_is_no_group() -> None:
    spec = render.service(of_path(WIDE, wep_nodes="single", fabric=False))["spec"]
    assert "worker" not in spec and "parallelism" not in spec
    assert arguments(spec["template"])[:2] == ["--data-parallel-size=8", "--enable-expert-parallel"]


def test_old_vllm_takes_the_backend_from_a_variable() -> None:
    old, new = (render.service(of_path(WIDE, release=release))["spec"]["template"] for release in ("2.25", "3.3"))
    assert variables(old)["VLLM_ALL2ALL_BACKEND"] == "deepep_high_throughput" and arguments(old) == []
    assert arguments(new) == ["--all2all-backend=deepep_high_throughput"] and "VLLM_ALL2ALL_BACKEND" not in variables(new)


def test_the_presets_capabilities_stay() -> None:
    assert main(render.service(of_path(WIDE))["spec"]["worker"])["securityContext"]["capabilities"]["add"] == ["IPC_LOCK", "NET_RAW", "SYS_RAWIO"]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"nodes": []}, "how many GPUs a node has isn't known"),
        ({"gpus_per_replica": 3}, "8 GPUs of a node can't be shared by model servers of 3"),
        ({"wep_nodes": "single", "gpus_per_replica": 8}, "can't be spread over one model server"),
        ({"model_uri": "hf://Qwen/Qwen2.5-7B-Instruct"}, "has no experts"),
    ],
)
def test_groups_that_cannot_be(options: dict[str, Any], why: str) -> None:
    with pytest.raises(Refused, match=why):
        render.objects(wish(path=WIDE, **{"model_uri": EXPERTS, **options}))


# ---- LoRA adapters ----

ADAPTERS = [{"name": "sql", "source": "hf://example-org/qwen-sql", "rank": 20}, {"name": "chat", "source": "/mnt/models/adapters/chat"}]


def test_adapters_are_arguments_of_vllm_and_found_again_by_the_proof() -> None:
    made = service(lora_adapters=ADAPTERS, model_credentials_secret="model-store")
    words = shlex.split(variables(made["spec"]["template"])["VLLM_ADDITIONAL_ARGS"])
    assert words[words.index("--enable-lora") : words.index("--lora-modules")] == ["--enable-lora", "--max-loras=2", "--max-cpu-loras=2", "--max-lora-rank=32"]
    assert [json.loads(word)["path"] for word in words if word.startswith("{")] == ["example-org/qwen-sql", "/mnt/models/adapters/chat"]
    assert variables(made["spec"]["template"])["HF_TOKEN"]["secretKeyRef"]["name"] == "model-store"
    assert proof_plan.adapters(made) == ["sql", "chat"]
    assert proof_plan.adapters(service()) == []


def test_the_token_stays_away_where_nothing_is_downloaded() -> None:
    made = service(lora_adapters=ADAPTERS[1:], model_credentials_secret="model-store")
    assert "HF_TOKEN" not in variables(made["spec"]["template"])


@pytest.mark.parametrize("path", [DISAGGREGATION, OFFLOAD, WIDE])
def test_adapters_go_with_scheduling_only(path: str) -> None:
    with pytest.raises(Refused, match="llmd_lora_adapters: adapters go with llmd_path inference_scheduling only"):
        render.sketch(of_path(path, lora_adapters=ADAPTERS))


@pytest.mark.parametrize("given", [["--enable-lora"], ["--max-loras=4"], ["--max-lora-rank", "16"]])
def test_adapters_and_arguments_of_vllm_do_not_contradict(given: list[str]) -> None:
    with pytest.raises(Refused, match=f"llmd_vllm_args: {given[0].partition('=')[0]} can't be given here"):
        render.sketch(wish(lora_adapters=ADAPTERS, vllm_args=given))
    render.sketch(wish(vllm_args=given))
