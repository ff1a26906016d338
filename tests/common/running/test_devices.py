"""The kernel check, on the architecture lists of real builds and the capabilities of real devices."""

import pytest
import torch

from common.running import devices
from common.running.devices import DeviceError, check_kernels, product_error, select

TORCH_2_7_1 = ["sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90"]
TORCH_2_11 = ["sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120", "compute_120"]


@pytest.mark.parametrize(
    ("capability", "architectures"),
    [
        ((7, 0), TORCH_2_7_1),
        ((8, 9), TORCH_2_7_1),  # runs the machine code of 8.6
        ((9, 0), TORCH_2_11),
        ((9, 0), ["sm_90a"]),
        ((13, 0), TORCH_2_11),  # PTX for 12.0 is compiled by the driver
    ],
)
def test_devices_with_kernels(capability, architectures):
    check_kernels("device", capability, architectures)


@pytest.mark.parametrize(("capability", "architectures"), [((7, 0), TORCH_2_11), ((10, 0), TORCH_2_7_1)])
def test_a_device_without_kernels_is_told_what_to_install(capability, architectures):
    with pytest.raises(DeviceError, match=r"no kernels.*2\.7\.1"):
        check_kernels("Tesla", capability, architectures)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_without_cuda(capsys):
    assert select("auto") == torch.device("cpu")
    assert capsys.readouterr().err.startswith("Device: cpu (")
    with pytest.raises(DeviceError, match="sees no CUDA device"):
        select("cuda")


def test_unknown_names_and_a_device_beyond_the_last_are_told_the_known_ones(monkeypatch):
    for name in ("gpu", "cuda:x", "cuda:-1", ""):
        with pytest.raises(DeviceError, match=f"unknown device '{name}'; write auto, cpu, cuda or cuda:1"):
            select(name)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(DeviceError, match="device 'cuda:2' was asked for, but the last one here is cuda:1"):
        select("cuda:2")


# Which library multiplies


@pytest.fixture
def precision():
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    yield
    torch.set_float32_matmul_precision(before[0])
    torch.backends.cudnn.allow_tf32 = before[1]


def test_products_are_float32_whatever_the_processor(precision, monkeypatch):
    for name in ("cpu (AMD EPYC)", "cpu (Intel Xeon)"):
        monkeypatch.setattr(devices.environment, "device_name", lambda where, name=name: name)
        select("cpu", wide=True)
        assert product_error() < 1e-5
        assert name.startswith("cpu (AMD") or torch.get_float32_matmul_precision() == "highest"
        select("cpu")
        assert torch.get_float32_matmul_precision() == "highest"


def test_where_products_would_be_of_bfloat16_precision_is_lowered_only_if_asked_for(precision, monkeypatch):
    matrix = torch.arange(256.0**2).square_().sin_().view(256, 256)
    exact = matrix.double() @ matrix.double()
    rounded = (matrix.bfloat16().double() @ matrix.bfloat16().double() - exact).abs().max() / exact.abs().max()
    assert rounded > 1e-4
    monkeypatch.setattr(devices, "product_error", lambda: float(rounded))
    monkeypatch.setattr(devices.environment, "device_name", lambda where: "cpu (AMD EPYC)")
    select("cpu", wide=True)
    assert torch.get_float32_matmul_precision() == "highest"
    select("cpu", matmul_precision="high", wide=True)
    assert torch.get_float32_matmul_precision() == "high" and torch.backends.cudnn.allow_tf32


def test_convolutions_are_float32_unless_less_was_asked_for(precision):
    torch.backends.cudnn.allow_tf32 = True  # torch's default
    select("cpu")
    assert not torch.backends.cudnn.allow_tf32
